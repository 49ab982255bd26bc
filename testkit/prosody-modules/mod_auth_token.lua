-- Log-in with a token (JWT, HS256), for tests of `type = JWT`: a stand-in of our own for Jitsi's module of this name, with its options.
--
--   VirtualHost "meet.example.com"
--       authentication = "token"
--       app_id = "my_app"            -- the token's `iss`
--       app_secret = "a secret"      -- with which it is signed
--       allow_empty_token = false    -- true: whoever has none is let in, too
--
-- The contract (docs/protocol/10-conference-request-and-auth.md 6.1): who bears a token that is signed with the secret, was issued
-- by the app and has not expired is a user of this host, under a name that is made up. The focus sees nothing of the token but
-- that its bearer is here. Who has none, or a wrong one, does not get in. As in Jitsi's, whose `asap_require_room_claim` is on and whose
-- `asap_accepted_audiences` is { "*" } unless set, there must be a `room` and an `aud`; what room that is, `token_verification` asks.
--
-- Jitsi's takes the token from the URL of BOSH or WebSocket, with ANONYMOUS. Here it is the password of PLAIN, so that it can come
-- over plain TCP.

local jwt = require "util.jwt";

local app_id = module:get_option_string("app_id");
local app_secret = module:get_option_string("app_secret");
local allow_empty = module:get_option_boolean("allow_empty_token", false);
if not app_id or not app_secret then error("authentication = \"token\" needs app_id and app_secret", 0); end

-- Why a token is none; nil if it is one, and its claims if there is one.
local function wrong_with(token)
	if token == nil or token == "" then
		return not allow_empty and "there is none" or nil;
	end
	local signed, claims = jwt.verify(app_secret, token);
	if not signed or type(claims) ~= "table" then return "its signature is wrong"; end
	if claims.iss ~= app_id then return "another app has issued it"; end
	local now = os.time();
	if type(claims.exp) ~= "number" or claims.exp <= now then return "it has expired"; end
	if claims.nbf ~= nil and (type(claims.nbf) ~= "number" or claims.nbf > now) then return "it is not valid yet"; end
	if type(claims.room) ~= "string" then return "'room' claim is missing"; end
	if claims.aud == nil then return "'aud' claim is missing"; end
	return nil, claims;
end

-- The library is in prosody-plugins.
module:require "made_up_names" ("token", {
	plain_test = function (handler, _, token)
		local wrong, claims = wrong_with(token);
		if wrong then module:log("info", "A token is refused: %s", wrong); end
		handler.stream.jitsi_meet_room = claims and claims.room;
		return wrong == nil, true;
	end;
});
