SELECT date_format(at, 'yyyy-MM-dd') AS day, count(*) AS bids, count(*) FILTER (WHERE price < 10000) AS cheap, count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS middling, count(*) FILTER (WHERE price >= 1000000) AS dear,
  count(DISTINCT bidder) AS bidders, count(DISTINCT bidder) FILTER (WHERE price < 10000) AS bidders_cheap,
  count(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS bidders_middling, count(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS bidders_dear,
  count(DISTINCT auction) AS auctions, count(DISTINCT auction) FILTER (WHERE price < 10000) AS auctions_cheap,
  count(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS auctions_middling, count(DISTINCT auction) FILTER (WHERE price >= 1000000) AS auctions_dear
FROM bid GROUP BY date_format(at, 'yyyy-MM-dd')
