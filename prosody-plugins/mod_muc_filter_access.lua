-- Keeps everybody who is not of a listed domain out of the rooms of a component.
--
--   Component "internal.auth.meet.example.com" "muc"
--       modules_enabled = { "muc_filter_access" }
--       muc_filter_whitelist = { "auth.meet.example.com" }
--
-- Without it any guest could join the bridges' room and pass for a bridge. Presence of others is dropped without an answer
-- (docs/protocol/20-muc-presence-roles.md 14).

local jid_host = require "util.jid".host;

local allowed = module:get_option_set("muc_filter_whitelist", {});

local function filter(event)
	local from = event.stanza.attr.from;
	if allowed:contains(jid_host(from)) then return; end
	module:log("warn", "%s is not let into %s", from, event.stanza.attr.to);
	return true;
end

for _, to in ipairs { "presence/host", "presence/bare", "presence/full" } do
	module:hook(to, filter, 100);
end
