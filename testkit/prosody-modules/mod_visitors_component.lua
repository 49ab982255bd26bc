-- Connects main rooms with visitor nodes, for tests: a stand-in of our own for Jitsi's module of this name.
--
--   Component "visitors.meet.example.com" "visitors_component"
--       muc_component = "conference.meet.example.com"
--       visitors_nodes = { v0 = { url = "http://127.0.0.1:5281/fmuc", host = "conference.v0.meet.example.com" } }
--
-- The contract (docs/protocol/60-jibri-jigasi-visitors.md 6.4, 6.8): an admin's IQ get <visitors room='…'> with connect-vnode and
-- disconnect-vnode. A node that is connected gets everybody in the main room but the focus, as they are and as they change; one
-- that is disconnected closes its room. A room that is not known, and a node that is not connected, are errors.
-- Jitsi's speaks to nodes over s2s. Here it is HTTP to mod_fmuc on the node, so that two servers on one machine need neither
-- names nor certificates for each other. It does nothing of promotion.

local http = require "net.http";
local jid = require "util.jid";
local st = require "util.stanza";
local is_admin = require "core.usermanager".is_admin;

local XMLNS = "jitsi:visitors";
local MUC_USER = "http://jabber.org/protocol/muc#user";

local muc = module:get_option_string("muc_component");
local nodes = module:get_option("visitors_nodes", {});
if not muc then error("visitors_component needs muc_component", 0); end

local connected = {}; -- [room JID] = { [node] = true }
local queues = {}; -- [node] = what it is to be told, in this order: HTTP keeps none

local function send_next(id)
	local queue, node = queues[id], nodes[id];
	local body = queue[1];
	if not body then return; end
	local request = { method = "POST"; body = tostring(body); headers = { Host = node.host, ["Content-Type"] = "text/xml" } };
	http.request(node.url, request, function (_, code)
		if code ~= 200 then module:log("error", "%s did not take %s: %s", id, body, code); end
		table.remove(queue, 1);
		send_next(id);
	end);
end

local function tell(id, body)
	local queue = queues[id] or {};
	queues[id] = queue;
	table.insert(queue, body);
	if #queue == 1 then send_next(id); end
end

local function mirror(room, action)
	return st.stanza("mirror", { room = jid.node(room.jid), action = action });
end

-- Somebody, as visitors are to see him.
local function shown(room, occupant, presence)
	local copy = st.clone(presence);
	copy:remove_children("x", MUC_USER);
	copy:remove_children("x", "http://jabber.org/protocol/muc");
	copy.attr.from, copy.attr.to = jid.resource(occupant.nick), nil;
	local affiliation = room:get_affiliation(occupant.bare_jid) or "none";
	copy:tag("x", { xmlns = MUC_USER })
		:tag("item", { affiliation = affiliation, role = occupant.role or "none", jid = occupant.jid }):up():up();
	return copy;
end

local function is_focus(occupant)
	return jid.resource(occupant.nick) == "focus";
end

local function everybody(room)
	local all = mirror(room, "connect");
	for _, occupant in room:each_occupant() do
		if not is_focus(occupant) then all:add_child(shown(room, occupant, occupant:get_presence())); end
	end
	return all;
end

module:hook("iq-get/host/" .. XMLNS .. ":visitors", function (event)
	local origin, stanza = event.origin, event.stanza;
	local function refuse(kind, condition, text)
		origin.send(st.error_reply(stanza, kind, condition, text));
		return true;
	end
	if not is_admin(jid.bare(stanza.attr.from), muc) then return refuse("auth", "forbidden"); end
	local wish = stanza:get_child("visitors", XMLNS);
	local room = prosody.hosts[muc].modules.muc.get_room_from_jid(wish.attr.room);
	if not room then return refuse("cancel", "item-not-found", "no such room"); end
	local here = connected[room.jid] or {};
	connected[room.jid] = here;
	for child in wish:childtags() do
		local id = child.attr.vnode;
		if not nodes[id] then return refuse("cancel", "item-not-found", "no such node"); end
		if child.name == "connect-vnode" then
			module:log("info", "connects %s to %s", id, room.jid);
			here[id] = true;
			tell(id, everybody(room));
		elseif child.name == "disconnect-vnode" then
			if not here[id] then return refuse("cancel", "internal-server-error", "not connected"); end
			module:log("info", "disconnects %s from %s", id, room.jid);
			here[id] = nil;
			tell(id, mirror(room, "disconnect"));
		end
	end
	origin.send(st.reply(stanza));
	return true;
end);

local function watch()
	local rooms = module:context(muc);
	rooms:hook("muc-broadcast-presence", function (event)
		if is_focus(event.occupant) then return; end
		for id in pairs(connected[event.room.jid] or {}) do
			tell(id, mirror(event.room, "presence"):add_child(shown(event.room, event.occupant, event.stanza)));
		end
	end, -10);
	rooms:hook("muc-occupant-left", function (event)
		-- Nobody speaks for the room any more.
		if is_focus(event.occupant) then connected[event.room.jid] = nil; end
	end);
	rooms:hook("muc-room-destroyed", function (event) connected[event.room.jid] = nil; end);
end

if prosody.hosts[muc] and prosody.hosts[muc].modules.muc then
	watch();
else
	module:hook_global("host-activated", function (host) if host == muc then watch(); end end);
end
