-- Writes into the log who comes into which room and who goes, for tests that wait for it:
--   occupant joined: <room>/<nick> is <real JID>
--   occupant left: <room>/<nick>

module:set_global();

local watched = {};

local function watch(host)
	if watched[host] then return; end
	watched[host] = true;
	local here = module:context(host);
	here:hook("muc-occupant-joined", function (event)
		module:log("info", "occupant joined: %s is %s", event.occupant.nick, event.stanza.attr.from);
	end, -100);
	here:hook("muc-occupant-left", function (event)
		module:log("info", "occupant left: %s", event.occupant.nick);
	end, -100);
end

-- Some hosts are there before us, others come after.
for host in pairs(prosody.hosts) do watch(host); end
module:hook("host-activated", watch);
