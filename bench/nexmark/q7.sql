SELECT b.auction, b.bidder, b.price, b.at, b.extra
FROM bid AS b JOIN (SELECT max(price) AS price, window_end AS until FROM TUMBLE(bid, at, INTERVAL '10' SECOND) GROUP BY window_start, window_end) AS m
  ON b.price = m.price AND b.at BETWEEN m.until - INTERVAL '10' SECOND AND m.until
