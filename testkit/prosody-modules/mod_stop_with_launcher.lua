-- Stops Prosody when the test that started it is gone, however it went: its end of our standard input closes.

local server = require "net.server";

module:set_global();

local function stop(watch)
	watch:close();
	prosody.unlock_globals();
	prosody.shutdown("The launcher is gone");
	prosody.lock_globals();
end

module:hook("server-started", function ()
	server.watchfd(0, function (watch)
		if not io.read(1) then stop(watch); end
	end);
end);
