/* The behaviours of chat's pages, each an element of its own. */
import "./attachment-tray.js";
import "./chat-room.js";
import "./copy-field.js";
import "./emoji-picker.js";
import "./local-time.js";
import "./member-list.js";
import "./mention-list.js";
import "./message-composer.js";
import "./message-log.js";
import "./message-toolbar.js";
import "./pending-messages.js";
import "./people-here.js";
import "./room-list.js";
import "./typing-names.js";
