SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.at AS bid_at, b.extra AS bid_extra, a.item, a.description, a.initial_bid, a.reserve, a.at, a.expires, a.seller, a.category, a.extra
FROM bid AS b JOIN auction AS a ON b.auction = a.id WHERE a.category = 10
