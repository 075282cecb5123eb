/* The behaviours of a board's page, each an element of its own. */
import "./drawing-board.js";
import "./board-sharing.js";
