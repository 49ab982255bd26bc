-- Tells clients and the focus, in the disco#info of the main host, where the room metadata component is.
-- docs/protocol/20-muc-presence-roles.md 1: category `component`, type `room_metadata`, the address as its name.

module:add_identity("component", "room_metadata",
	module:get_option_string("room_metadata_component", "metadata." .. module.host));
