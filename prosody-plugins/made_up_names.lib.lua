-- What providers of log-ins have in common whose users have no account: whoever passes gets a UUID for a name.
--
--   module:require "made_up_names" ("the provider's name", { what util.sasl asks: anonymous = …, plain_test = … });
--
-- What is asked gets the handler first, whose `stream` is the one that logs in.

local new_sasl = require "util.sasl".new;
local uuid = require "util.uuid".generate;

local function not_supported()
	return nil, "Users have no accounts here.";
end

return function (name, profile)
	local function new_handler(stream)
		local handler = new_sasl(module.host, profile);
		handler.stream = stream;
		local process = handler.process;
		function handler:process(...)
			local status, data, text = process(self, ...);
			if status == "success" then self.username = uuid(); end
			return status, data, text;
		end
		function handler.clean_clone() return new_handler(stream); end
		return handler;
	end

	module:provides("auth", {
		name = name;
		get_sasl_handler = new_handler;
		test_password = not_supported;
		get_password = not_supported;
		set_password = not_supported;
		create_user = not_supported;
		-- Only sessions are ever asked for, and those are of users.
		user_exists = function () return true; end;
	});
end
