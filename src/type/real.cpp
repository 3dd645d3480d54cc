// The only C++ here: std::to_chars gives the shortest digits of a double, std::from_chars reads one exactly and without
// the locale. C's printf needs up to three tries with growing precision for the same digits.
#include "type/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

void real_digits(double x, RealDigits *out)
{
	char text[40];
	std::to_chars_result end = std::to_chars(text, text + sizeof text, x, std::chars_format::scientific);
	const char *at = text;
	out->negative = *at == '-';
	if (out->negative) at++;
	out->count = 0;
	for (; at < end.ptr && *at != 'e'; at++)
		if (*at != '.') out->digits[out->count++] = *at;
	out->exponent = 0;
	at++;
	bool down = *at++ == '-';
	for (; at < end.ptr; at++) out->exponent = out->exponent * 10 + (*at - '0');
	if (down) out->exponent = -out->exponent;
}

// Fixed notation from 0.0001 up to 10^15, as SQLite's %!.15g
static char *print_fixed(const RealDigits &digits, char *to)
{
	int whole = digits.exponent + 1;
	if (whole <= 0) {
		*to++ = '0';
		*to++ = '.';
		for (int i = whole; i < 0; i++) *to++ = '0';
		std::memcpy(to, digits.digits, (size_t)digits.count);
		return to + digits.count;
	}
	for (int i = 0; i < whole; i++) *to++ = i < digits.count ? digits.digits[i] : '0';
	*to++ = '.';
	if (digits.count <= whole) *to++ = '0';
	for (int i = whole; i < digits.count; i++) *to++ = digits.digits[i];
	return to;
}

static char *print_exponent(const RealDigits &digits, char *to)
{
	*to++ = digits.digits[0];
	*to++ = '.';
	if (digits.count == 1) *to++ = '0';
	for (int i = 1; i < digits.count; i++) *to++ = digits.digits[i];
	*to++ = 'e';
	*to++ = digits.exponent < 0 ? '-' : '+';
	int exponent = std::abs(digits.exponent);
	if (exponent >= 100) *to++ = (char)('0' + exponent / 100);
	*to++ = (char)('0' + exponent / 10 % 10);
	*to++ = (char)('0' + exponent % 10);
	return to;
}

int real_print(double x, char *out)
{
	if (std::isnan(x)) return 0;
	if (std::isinf(x)) {
		const char *text = x < 0 ? "-Inf" : "Inf";
		std::memcpy(out, text, std::strlen(text));
		return (int)std::strlen(text);
	}
	RealDigits digits;
	real_digits(x == 0 ? 0.0 : x, &digits);
	char *to = out;
	if (digits.negative) *to++ = '-';
	to = digits.exponent < -4 || digits.exponent > 14 ? print_exponent(digits, to) : print_fixed(digits, to);
	return (int)(to - out);
}

bool real_parse(const char *at, size_t bytes, double *out)
{
	std::from_chars_result end = std::from_chars(at, at + bytes, *out);
	if (end.ptr != at + bytes || end.ec == std::errc::invalid_argument) return false;
	if (end.ec == std::errc::result_out_of_range) *out = std::strtod(std::string(at, bytes).c_str(), nullptr);
	return true;
}
