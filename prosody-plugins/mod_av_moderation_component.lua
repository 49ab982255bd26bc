-- Lets moderators decide who may have microphone, camera and screen on. The focus enforces it.
--
--   Component "avmoderation.meet.example.com" "av_moderation_component"
--       muc_component = "conference.meet.example.com"
--
-- The contract (docs/protocol/20-muc-presence-roles.md 9):
--   * A moderator sends to this component <av_moderation mediaType='audio|video|desktop' …/> with one of enable='true|false',
--     jidToWhitelist and jidToBlacklist='<occupant JID>'. It is about the room that he is in.
--   * Switching is told to everybody: <json-message xmlns='http://jitsi.org/jitmeet'>{"type":"av_moderation","room":…,
--     "enabled":…,"mediaType":…,"actor":"<occupant JID>"}</json-message>.
--   * Then, and whenever they change, moderators, the focus among them, are told the whitelists of everything that is moderated,
--     {"type":"av_moderation","room":…,"mediaType":…,"whitelists":{"audio":[…],…}}; with "removed":true if somebody lost his
--     place. All moderators but the focus are on them from the start. A list that is empty is left out.
--   * Whoever is approved or rejected is told: {"type":"av_moderation","room":…,"mediaType":…,"approved":true} or "removed".

local st = require "util.stanza";
local jid = require "util.jid";
local json = require "util.json";
local array = require "util.array";

local XMLNS = "http://jitsi.org/jitmeet";
local FOCUS = "focus";
local MEDIA = { audio = true, video = true, desktop = true };

local muc_host = module:get_option_string("muc_component");
if not muc_host then error("av_moderation_component needs muc_component, the host of the rooms", 0); end

local whereabouts = {}; -- [full JID] = room
local moderated = {}; -- [bare room JID] = { [media] = { [occupant JID] = true } }

local function tell(occupant, message)
	for full_jid in occupant:each_session() do
		module:send(st.message({ from = module.host, to = full_jid })
			:text_tag("json-message", json.encode(message), { xmlns = XMLNS }));
	end
end

local function lists_of(room)
	local lists = {};
	for media, approved in pairs(moderated[room.jid] or {}) do
		local list = array {};
		for occupant_jid in pairs(approved) do list:push(occupant_jid); end
		if #list > 0 then lists[media] = list:sort(); end
	end
	return lists;
end

local function tell_moderators(room, media, removed)
	for _, occupant in room:each_occupant() do
		if occupant.role == "moderator" then
			tell(occupant, {
				type = "av_moderation", room = room.jid, mediaType = media, removed = removed, whitelists = lists_of(room);
			});
		end
	end
end

local function switch(room, media, on, actor)
	local state = moderated[room.jid] or {};
	moderated[room.jid] = state;
	if on == (state[media] ~= nil) then return; end
	state[media] = on and {} or nil;
	for _, occupant in room:each_occupant() do
		if on and occupant.role == "moderator" and jid.resource(occupant.nick) ~= FOCUS then
			state[media][occupant.nick] = true;
		end
		tell(occupant, { type = "av_moderation", room = room.jid, enabled = on, mediaType = media, actor = actor.nick });
	end
	module:log("info", "%s: moderation of %s is %s", room.jid, media, on and "on" or "off");
	if on then tell_moderators(room, media); end
end

local function approve(room, media, occupant_jid, approved)
	local list = (moderated[room.jid] or {})[media];
	local occupant = list and room:get_occupant_by_nick(occupant_jid);
	if not occupant then return; end
	list[occupant_jid] = approved or nil;
	tell_moderators(room, media, not approved or nil);
	tell(occupant, { type = "av_moderation", room = room.jid, mediaType = media, [approved and "approved" or "removed"] = true });
end

module:hook("message/host", function (event)
	local stanza = event.stanza;
	local wish = stanza:get_child("av_moderation") or stanza:get_child("av_moderation", XMLNS);
	if not wish or stanza.attr.type == "error" then return true; end
	local room = whereabouts[stanza.attr.from];
	local actor = room and room:get_occupant_by_real_jid(stanza.attr.from);
	local media = wish.attr.mediaType;
	if not actor or actor.role ~= "moderator" or not MEDIA[media] then
		module:log("warn", "Moderation by %s is not accepted", stanza.attr.from);
		return true;
	end
	if wish.attr.enable then
		switch(room, media, wish.attr.enable == "true", actor);
	elseif wish.attr.jidToWhitelist then
		approve(room, media, wish.attr.jidToWhitelist, true);
	elseif wish.attr.jidToBlacklist then
		approve(room, media, wish.attr.jidToBlacklist, false);
	end
	return true;
end);

local function watch(muc)
	muc:hook("muc-occupant-joined", function (event)
		whereabouts[event.stanza.attr.from] = event.room;
	end);
	muc:hook("muc-occupant-left", function (event)
		for full_jid in event.occupant:each_session() do whereabouts[full_jid] = nil; end
		if event.stanza and event.stanza.attr.from then whereabouts[event.stanza.attr.from] = nil; end
	end);
	muc:hook("muc-room-destroyed", function (event)
		moderated[event.room.jid] = nil;
		for full_jid, room in pairs(whereabouts) do
			if room == event.room then whereabouts[full_jid] = nil; end
		end
	end);
	-- Whoever becomes a moderator may unmute, and is told who else may.
	muc:hook("muc-set-affiliation", function (event)
		if event.affiliation ~= "owner" then return; end
		for media, list in pairs(moderated[event.room.jid] or {}) do
			for _, occupant in event.room:each_occupant() do
				if occupant.bare_jid == event.jid and jid.resource(occupant.nick) ~= FOCUS then list[occupant.nick] = true; end
			end
		end
		-- Without media: nobody is approved by a moderator's word here.
		if next(moderated[event.room.jid] or {}) then tell_moderators(event.room); end
	end);
end

if prosody.hosts[muc_host] then
	watch(module:context(muc_host));
else -- Hosts come up in any order
	module:hook_global("host-activated", function (host)
		if host == muc_host then watch(module:context(host)); end
	end);
end
