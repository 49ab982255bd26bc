-- SASL ANONYMOUS whose user names are UUIDs.
--
--   VirtualHost "meet.example.com"
--       authentication = "jitsi-anonymous"
--
-- Prosody's own provider makes names with `-` and `_` in any place. Clients take the first eight characters for their nick
-- in the room, which is their endpoint's id on the bridges, and those must be letters and digits.

local new_sasl = require "util.sasl".new;
local uuid = require "util.uuid".generate;

local function not_supported()
	return nil, "Only anonymous users are supported.";
end

local function new_handler()
	local handler = new_sasl(module.host, { anonymous = function () return true; end });
	local process = handler.process;
	function handler:process(...)
		local status, data, text = process(self, ...);
		if status == "success" then self.username = uuid(); end
		return status, data, text;
	end
	handler.clean_clone = new_handler;
	return handler;
end

module:provides("auth", {
	name = "jitsi-anonymous";
	get_sasl_handler = new_handler;
	test_password = not_supported;
	get_password = not_supported;
	set_password = not_supported;
	create_user = not_supported;
	-- Only sessions are ever asked for, and those are of users.
	user_exists = function () return true; end;
});
