-- Nexmark's stream of persons, auctions and bids; the names are those of the published JSON. {source} is filled in by run.py.
CREATE STREAM nexmark (
  event_type INTEGER,
  person ROW<id BIGINT, name TEXT, "emailAddress" TEXT, "creditCard" TEXT, city TEXT, state TEXT, "dateTime" TIMESTAMP(3), extra TEXT>,
  auction ROW<id BIGINT, "itemName" TEXT, description TEXT, "initialBid" BIGINT, reserve BIGINT, "dateTime" TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra TEXT>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel TEXT, url TEXT, "dateTime" TIMESTAMP(3), extra TEXT>,
  at AS CASE event_type WHEN 0 THEN person."dateTime" WHEN 1 THEN auction."dateTime" ELSE bid."dateTime" END,
  arrival AS PROCTIME(),
  WATERMARK FOR at AS at - INTERVAL '4' SECOND
) WITH ({source});
CREATE VIEW person AS SELECT person.id, person.name, person.city, person.state, at, person.extra FROM nexmark WHERE event_type = 0;
CREATE VIEW auction AS SELECT auction.id, auction."itemName" AS item, auction.description, auction."initialBid" AS initial_bid, auction.reserve, at, auction.expires,
  auction.seller, auction.category, auction.extra FROM nexmark WHERE event_type = 1;
CREATE VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, at, bid.extra, arrival FROM nexmark WHERE event_type = 2;
