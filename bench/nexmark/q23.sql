SELECT b.bidder, b.price, b.channel, b.url, b.extra AS bid_extra, p.name, p.city, p.state, p.extra AS person_extra,
  a.item, a.description, a.initial_bid, a.reserve, a.at, a.expires, a.seller, a.category, a.extra AS auction_extra
FROM bid AS b JOIN person AS p ON p.id = b.bidder JOIN auction AS a ON a.seller = b.bidder
