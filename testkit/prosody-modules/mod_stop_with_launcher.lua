-- Stops Prosody when the test that started it is gone, however it went: its end of our standard input closes.

local server = require "net.server";

module:set_global();

local function stop()
	prosody.unlock_globals();
	prosody.shutdown("The launcher is gone");
	prosody.lock_globals();
end

module:hook("server-started", function ()
	server.watchfd(0, function (watch)
		if io.read(1) then return; end
		watch:close();
		prosody.main_thread:run(stop); -- Where waiting for connections to close is possible
	end);
end);
