SELECT auction, bidder, price, channel, url, at, extra, place FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid) WHERE place <= 10
