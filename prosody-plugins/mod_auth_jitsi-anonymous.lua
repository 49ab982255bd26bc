-- SASL ANONYMOUS whose user names are UUIDs.
--
--   VirtualHost "meet.example.com"
--       authentication = "jitsi-anonymous"
--
-- Prosody's own provider makes names with `-` and `_` in any place. Clients take the first eight characters for their nick
-- in the room, which is their endpoint's id on the bridges, and those must be letters and digits.

module:require "made_up_names" ("jitsi-anonymous", { anonymous = function () return true; end });
