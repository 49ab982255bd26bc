-- Tells clients and the focus, in the disco#info of the main host, where the A/V moderation component is.
-- docs/protocol/20-muc-presence-roles.md 1: category `component`, type `av_moderation`, the address as its name.

module:add_identity("component", "av_moderation",
	module:get_option_string("av_moderation_component", "avmoderation." .. module.host));
