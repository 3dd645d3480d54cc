-- A live auction: 10,000 events a second from the built-in generator, and three views of them.
CREATE STREAM nexmark (
  event_type INTEGER,
  auction ROW<id BIGINT, date_time TIMESTAMP(3)>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel TEXT, date_time TIMESTAMP(3)>,
  at AS coalesce(bid.date_time, auction.date_time),
  WATERMARK FOR at AS at - INTERVAL '1' SECOND
) WITH (connector = 'nexmark', rate = 10000, event_time_rate = 10000);

CREATE VIEW bids AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, at FROM nexmark WHERE event_type = 2;

CREATE MATERIALIZED VIEW per_second AS
  SELECT window_start AS second, count(*) AS bids, max(price) AS highest, CAST(avg(price) AS BIGINT) AS mean
  FROM TUMBLE(bids, at, INTERVAL '1' SECOND) GROUP BY window_start, window_end;

CREATE MATERIALIZED VIEW hot_auctions AS
  SELECT since, place, auction, bids, highest FROM (
    SELECT window_start AS since, auction, count(*) AS bids, max(price) AS highest,
           row_number() OVER (PARTITION BY window_start ORDER BY count(*) DESC) AS place
    FROM HOP(bids, at, INTERVAL '2' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end, auction)
  WHERE place <= 5;

CREATE MATERIALIZED VIEW channels AS SELECT channel, count(*) AS bids, sum(price) AS total FROM bids GROUP BY channel;
