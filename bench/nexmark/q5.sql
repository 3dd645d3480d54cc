WITH counts AS (SELECT window_start, window_end, auction, count(*) AS bids FROM HOP(bid, at, INTERVAL '2' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end, auction),
  most AS (SELECT window_start, window_end, max(bids) AS bids FROM counts GROUP BY window_start, window_end)
SELECT counts.auction, counts.bids FROM counts JOIN most ON counts.window_start = most.window_start AND counts.window_end = most.window_end AND counts.bids >= most.bids
