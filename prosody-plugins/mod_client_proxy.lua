-- Lets clients reach the focus under a service address (`focus.<domain>`) although the focus is an ordinary user.
--
--   Component "focus.meet.example.com" "client_proxy"
--       target_address = "focus@auth.meet.example.com"
--
-- The contract (docs/protocol/10-conference-request-and-auth.md 2.1, 20-muc-presence-roles.md 14):
--   * An IQ get or set of a client goes to one of the target's available resources, chosen at random, with
--     from = '<this host>/<the client's full JID>'. Its result or error comes back to the client from this host.
--   * The target's resources are known from its presence only. We subscribe when we are loaded; the target must have us
--     in its roster, or answer `subscribed`. Error presence makes us forget all of them.
--   * Without a known resource the client gets service-unavailable, which it takes for final.
--   * Nothing else passes: requests and messages of the target are answered feature-not-implemented.

local st = require "util.stanza";
local jid = require "util.jid";
local random_byte = require "util.random".bytes;

if module:get_host_type() ~= "component" then
	error("client_proxy is for a component: Component \"focus.<domain>\" \"client_proxy\"", 0);
end

local target = jid.prep(module:get_option_string("target_address"));
if not target or jid.bare(target) ~= target then
	error("client_proxy needs the bare JID of the focus in target_address", 0);
end

module:depends("disco");
module:add_identity("component", "generic", "Focus proxy");

local sessions = {}; -- Full JIDs of the target's available resources

local function learn(event)
	local stanza = event.stanza;
	local from, kind = stanza.attr.from, stanza.attr.type;
	if jid.bare(from) ~= target then
		if kind == "subscribe" or kind == "probe" then -- Nobody else has any business with our presence
			module:send(st.presence({ type = "unsubscribed", from = module.host, to = jid.bare(from) }));
		end
		return true;
	end
	if kind == nil then
		if not sessions[from] then module:log("info", "%s is available", from); end
		sessions[from] = true;
	elseif kind == "unavailable" then
		if from == target then -- From the account, not a resource: nobody is there
			sessions = {};
		else
			sessions[from] = nil;
		end
	elseif kind == "error" then
		module:log("warn", "%s is not to be reached", target);
		sessions = {};
	elseif kind == "subscribe" then -- Whoever subscribes us both ways at once is welcome
		module:send(st.presence({ type = "subscribed", from = module.host, to = target }));
	end
	return true;
end

local function any_session()
	local known = {};
	for session in pairs(sessions) do known[#known + 1] = session; end
	if #known == 0 then return nil; end
	return known[random_byte(1):byte() % #known + 1];
end

local function refuse(event, condition)
	if event.stanza.attr.type ~= "error" and event.stanza.attr.type ~= "result" then
		event.origin.send(st.error_reply(event.stanza, "cancel", condition, nil, module.host));
	end
	return true;
end

-- What the target answers, addressed to '<this host>/<client>'
local function answer(event)
	local stanza = event.stanza;
	if stanza.attr.type ~= "result" and stanza.attr.type ~= "error" then
		return refuse(event, "feature-not-implemented");
	end
	local client = jid.prep(jid.resource(stanza.attr.to));
	if not client then
		module:log("warn", "Answer of %s to nobody: %s", stanza.attr.from, stanza.attr.to);
		return true;
	end
	local reply = st.clone(stanza);
	reply.attr.from, reply.attr.to = module.host, client;
	module:send(reply);
	return true;
end

local function request(event)
	local stanza = event.stanza;
	if stanza.attr.type ~= "get" and stanza.attr.type ~= "set" then return true; end
	local session = any_session();
	if not session then return refuse(event, "service-unavailable"); end
	local forwarded = st.clone(stanza);
	forwarded.attr.from = jid.join(nil, module.host, stanza.attr.from);
	forwarded.attr.to = session;
	module:send(forwarded);
	return true;
end

local function iq(event)
	if jid.bare(event.stanza.attr.from) == target then return answer(event); end
	return request(event);
end

-- Below mod_disco's handlers (priority 0): what is asked of the service itself is answered by Prosody.
module:hook("iq/host", iq, -1);
module:hook("iq/full", iq, -1);
module:hook("message/host", function (event) return refuse(event, "feature-not-implemented"); end, -1);
module:hook("message/full", function (event) return refuse(event, "feature-not-implemented"); end, -1);
for _, to in ipairs { "presence/host", "presence/bare", "presence/full" } do
	module:hook(to, learn, -1);
end

local function subscribe()
	module:send(st.presence({ type = "subscribe", from = module.host, to = target }));
end

-- While Prosody starts, the target's host may not be there yet.
if prosody.start_time then
	subscribe();
else
	module:hook_global("server-started", subscribe);
end
