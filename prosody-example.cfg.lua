-- A Prosody (0.12) for a small Jitsi Meet, with the focus on it. The demo and the tests of this project start exactly this file.
--
-- Try it:    JICOFO_COMPONENT_SECRET=s3cr3t prosody --config ./prosody-example.cfg.lua
-- Use it:    copy it to /etc/prosody/prosody.cfg.lua (it is the whole configuration, not a part in conf.d), the folder
--            prosody-plugins beside it, set the values below, then:
--
--            prosodyctl cert generate auth.meet.example.com   # then copy both files to /etc/prosody/certs
--            prosodyctl register focus auth.meet.example.com <the focus' password>
--            prosodyctl register jvb auth.meet.example.com <the bridges' password>
--
-- Each value can come from the environment (a container) or be written here in place of the default after `or`.

---------------------------------------------------------------------------------------------------------------------------------
-- Values
---------------------------------------------------------------------------------------------------------------------------------

-- What people type into their browser. All other names follow from it.
local domain = ENV_XMPP_DOMAIN or "meet.example.com"

-- Where focus and bridges have their accounts, and the three services under the domain.
local auth_domain = ENV_XMPP_AUTH_DOMAIN or "auth." .. domain
local muc_domain = ENV_XMPP_MUC_DOMAIN or "conference." .. domain
local internal_muc_domain = ENV_XMPP_INTERNAL_MUC_DOMAIN or "internal." .. auth_domain
local focus_domain = ENV_XMPP_FOCUS_DOMAIN or "focus." .. domain
local metadata_domain = "metadata." .. domain
local av_moderation_domain = "avmoderation." .. domain

-- The accounts; give a bridge its own with JVB_AUTH_USER.
local focus_jid = (ENV_JICOFO_AUTH_USER or "focus") .. "@" .. auth_domain
local jvb_jid = (ENV_JVB_AUTH_USER or "jvb") .. "@" .. auth_domain

-- How a client's request for a conference reaches the focus, which is always also an ordinary user of the auth domain:
--   classic   focus.<domain> is an external component: the focus connects with this secret (`./jicofo.sh --secret=…`)
--   proxy     focus.<domain> is a module of Prosody, which forwards to the focus' user (`client-proxy` in jicofo.conf)
-- A secret means classic, none means proxy, unless XMPP_WIRING says so.
local secret = ENV_JICOFO_COMPONENT_SECRET
local wiring = ENV_XMPP_WIRING or (secret and "classic" or "proxy")
if wiring ~= "classic" and wiring ~= "proxy" then error("XMPP_WIRING must be classic or proxy, not " .. wiring, 0) end
if wiring == "classic" and not secret then error("JICOFO_COMPONENT_SECRET must be set for the classic wiring", 0) end

-- The parts of a list in the environment.
local function split(text, part)
	local parts = {}
	for one in text:gmatch(part) do table.insert(parts, one) end
	return parts
end

-- Only this machine, unless bridges on other machines log in: then "*" or an address of the private network.
local interface = ENV_XMPP_INTERFACE or "127.0.0.1"
local client_port = tonumber(ENV_XMPP_PORT or 5222)
local component_port = tonumber(ENV_XMPP_COMPONENT_PORT or 5347)
local http_port = tonumber(ENV_XMPP_HTTP_PORT or 5280)

---------------------------------------------------------------------------------------------------------------------------------
-- The server
---------------------------------------------------------------------------------------------------------------------------------

-- Accounts and rosters are kept here. Nothing else is kept: rooms and guests live in memory.
local data = ENV_XMPP_DATA or "/var/lib/prosody"
data_path = data
pidfile = ENV_XMPP_PIDFILE or data .. "/prosody.pid"

-- Prosody refuses to run as root; a container or a test may have nobody else.
run_as_root = ENV_XMPP_RUN_AS_ROOT == "true"

-- Ours are small stand-ins for the plugins of Jitsi that a meeting cannot do without. They have the same names and options: with
-- the package jitsi-meet-prosody installed write "/usr/share/jitsi-meet/prosody-plugins/" instead. Several: `:` between them.
local here = CFG_CONFIGDIR or "."
if not here:match("^/") then here = require "lfs".currentdir() .. "/" .. here end
plugin_paths = split(ENV_XMPP_PLUGINS or here .. "/prosody-plugins", "[^:]+")
-- Jitsi's own plugins want to know the domain; ours do not.
muc_mapper_domain_base = domain

local modules = {
	"roster";    -- the focus' subscription by focus.<domain> in the proxy wiring
	"saslauth";  -- log-in
	"tls";       -- STARTTLS
	"disco";     -- what services there are
	"posix";     -- signals, pid file
	"ping";      -- clients and bridges ask whether we are alive
	"limits";    -- see below
}
-- For whoever needs a few more without touching this file: names with blanks between them.
for _, name in ipairs(split(ENV_XMPP_MODULES or "", "%S+")) do table.insert(modules, name) end
modules_enabled = modules

-- Nobody outside is part of a conference: no federation, no port for it.
modules_disabled = { "s2s" }

-- Focus and bridges speak for hundreds of people each: no limit. Everybody else is held to 512 kB/s (the default, 10 kB/s, makes
-- large rooms crawl: a client's answer to an offer alone has 9 kB).
limits = { c2s = { rate = "512kb/s" } }
unlimited_jids = { focus_jid, jvb_jid }

-- Send what there is at once. With Nagle's algorithm an answer can wait 40 ms for an acknowledgement, several times in a join.
-- The longer queue of connections is for everybody coming on the hour.
network_settings = { nagle = false, tcp_backlog = 511 }

c2s_interfaces = { interface }
c2s_ports = { client_port }
component_interfaces = { interface }
component_ports = wiring == "classic" and { component_port } or {}

-- BOSH and WebSocket (/http-bind, /xmpp-websocket) for browsers. TLS is the web server's task in front of us, on this machine.
http_interfaces = { interface }
http_ports = { http_port }
https_ports = {}
http_default_host = domain
consider_bosh_secure = true
consider_websocket_secure = true
trusted_proxies = { "127.0.0.1", "::1" }

-- Found by name: <host>.crt and <host>.key, for the auth domain at least. A self-signed one is fine; the focus and the bridges
-- must trust it (update-ca-certificates). Relative to this file.
certificates = ENV_XMPP_CERTS or "certs"

log = ENV_XMPP_LOG and { { levels = { min = ENV_XMPP_LOG_LEVEL or "info" }, to = "file", filename = ENV_XMPP_LOG } }
	or { { levels = { min = ENV_XMPP_LOG_LEVEL or "info" }, to = "console" } }

---------------------------------------------------------------------------------------------------------------------------------
-- Hosts
---------------------------------------------------------------------------------------------------------------------------------

-- The participants. Everybody may come in without an account.
VirtualHost(domain)
	authentication = "jitsi-anonymous"
	storage = "memory"
	modules_enabled = {
		"bosh";
		"websocket";
		"smacks";         -- a browser that loses its connection comes back as the same participant
		"room_metadata";  -- say where the components below are
		"av_moderation";
	}
	-- Browsers come through the web server, which has done TLS; a client that connects itself may still ask for it.
	c2s_require_encryption = false
	smacks_hibernation_time = 60
	smacks_max_unacked_stanzas = 5
	room_metadata_component = metadata_domain
	av_moderation_component = av_moderation_domain
	main_muc = muc_domain

-- Focus, bridges, Jibri, Jigasi: accounts with passwords, always encrypted. Never let guests register here.
VirtualHost(auth_domain)
	authentication = "internal_hashed"
	-- The accounts and the roster must survive a restart, how far a lost stream had come need not.
	storage = { smacks_h = "memory" }
	modules_enabled = { "smacks" }
	-- `optional` is for simulated bridges on the same machine that speak no TLS.
	c2s_require_encryption = ENV_XMPP_AUTH_TLS ~= "optional"
	-- How long one that has vanished without a word still counts as present. Its conferences wait for so long, too; with
	-- Prosody's own ten minutes a dead bridge would stay in use for ten minutes.
	smacks_hibernation_time = tonumber(ENV_XMPP_HIBERNATION_TIME or 15)
	allow_registration = false

-- The conferences.
Component(muc_domain) "muc"
	modules_enabled = {
		"muc_meeting_id";  -- an identity for every meeting; nobody gets in before the focus
		"ping";
	}
	storage = "memory"
	-- The focus creates the rooms, and as an admin it owns every one of them.
	admins = { focus_jid }
	restrict_room_creation = true
	-- A locked room would wait for a form, and keep everybody out until then.
	muc_room_locking = false
	-- Participants must see who is the focus: they know it by its real JID.
	muc_room_default_public_jids = true
	-- Rooms beyond this number would be put to sleep one by one (Prosody's default is 100).
	muc_room_cache_size = 10000
	muc_tombstones = false

-- Where bridges, Jibri and Jigasi report to the focus ("breweries"). Rooms are made by whoever comes first, if it has an account:
-- a guest in there could pass for a bridge.
Component(internal_muc_domain) "muc"
	modules_enabled = {
		"muc_filter_access";
		"ping";
	}
	muc_filter_whitelist = { auth_domain }
	storage = "memory"
	admins = { focus_jid, jvb_jid }
	muc_room_locking = false
	muc_room_default_public_jids = true
	muc_room_cache_size = 1000
	muc_tombstones = false

-- Where clients ask for a conference.
if wiring == "classic" then
	Component(focus_domain)
		component_secret = secret
		-- A focus that takes over is let in at once, not only when the old one's connection is found dead.
		component_conflict_resolve = "kick_old"
else
	-- The proxy asks to see the presence of the focus' user. Our focus agrees by itself; Jicofo needs it in its roster beforehand:
	-- prosodyctl mod_roster_command subscribe focus.meet.example.com focus@auth.meet.example.com
	Component(focus_domain) "client_proxy"
		target_address = focus_jid
end

-- What everybody in a room must know of it: start muted, lobby, transcription…
Component(metadata_domain) "room_metadata_component"
	muc_component = muc_domain

-- Who may have microphone, camera and screen on, where moderators decide it
Component(av_moderation_domain) "av_moderation_component"
	muc_component = muc_domain

-- More hosts and components of your own (visitor nodes, guests beside a password domain).
if ENV_XMPP_INCLUDE then Include(ENV_XMPP_INCLUDE) end
