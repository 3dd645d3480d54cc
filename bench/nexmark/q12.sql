SELECT bidder, count(*) AS bids, window_start AS since, window_end AS until FROM TUMBLE(bid, arrival, INTERVAL '10' SECOND) GROUP BY bidder, window_start, window_end
