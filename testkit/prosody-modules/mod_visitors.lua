-- Tells clients and the focus, in the disco#info of the main host, where the visitors component is. For tests: a stand-in of our
-- own for Jitsi's module of this name; what else that one does, mod_visitors_component beside it does here.
-- docs/protocol/60-jibri-jigasi-visitors.md 6.4: category `component`, type `visitors`, the address as its name.

module:add_identity("component", "visitors",
	module:get_option_string("visitors_component", "visitors." .. module.host));
