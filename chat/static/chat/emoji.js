/* A small set of emoji, with words to find them by, a row in one string. The whole of Unicode can be typed; this is for the quick ones. */
import { gettext } from "../realtime/words.js";

const ROWS = [
  gettext("👍 thumbs up yes agree|👎 thumbs down no|❤️ heart love|😂 laugh tears joy|🎉 party celebrate|👀 eyes look|🙏 thanks please pray|🔥 fire hot"),
  gettext("😀 grin happy|😄 smile happy|😁 beam|😅 sweat relief|🤣 rofl laugh|😊 blush smile|🙂 slight smile|😉 wink"),
  gettext("😍 heart eyes love|🥰 adore love|😘 kiss|😋 yum tasty|😜 tongue silly|🤔 think hmm|🤨 eyebrow doubt|😐 neutral"),
  gettext("😏 smirk|🙄 roll eyes|😬 grimace|😌 relieved calm|😴 sleep tired|😎 cool sunglasses|🤓 nerd|🥳 party face birthday"),
  gettext("😕 confused|🙁 frown sad|😮 wow open mouth|😲 astonished|😳 flushed|🥺 please puppy|😢 cry sad|😭 sob cry"),
  gettext("😱 scream shock|😤 huff|😡 angry|🤯 mind blown|🤒 ill sick|🤗 hug|🤝 handshake deal|🫡 salute"),
  gettext("👋 wave hello bye|👌 ok fine|✌️ peace victory|🤞 fingers crossed luck|👏 clap applause|🙌 hands raised hooray|💪 strong muscle|🤷 shrug"),
  gettext("👉 point right|👈 point left|☝️ point up|✅ check done|❌ cross wrong no|❗ exclamation important|❓ question|💯 hundred perfect"),
  gettext("💔 broken heart|💙 blue heart|💚 green heart|💛 yellow heart|💜 purple heart|🖤 black heart|✨ sparkles new|⭐ star"),
  gettext("☀️ sun|🌧️ rain|⛄ snow winter|🌈 rainbow|🌱 plant grow|🌍 world earth|🐛 bug insect|🐱 cat"),
  gettext("🐶 dog|🦆 duck|🦄 unicorn|🐢 turtle slow|☕ coffee break|🍵 tea|🍺 beer|🍕 pizza"),
  gettext("🍰 cake birthday|🍎 apple|🥑 avocado|🎂 birthday cake|🎁 gift present|🏆 trophy win|⚽ football|🎵 music"),
  gettext("🚀 rocket ship deploy|🚲 bike|🚂 train|✈️ plane travel|🏠 home|💡 idea light|🔧 wrench fix|🔨 hammer build"),
  gettext("📌 pin|📎 paperclip|📝 memo write|📅 calendar date|⏰ alarm clock time|🔒 lock secure|🔑 key|💬 speech talk"),
  gettext("📈 chart up|📉 chart down|💰 money|🚨 alarm siren incident|⚠️ warning|🛑 stop|♻️ recycle|🎯 target goal"),
];

export const EMOJI = ROWS.join("|").split("|").map((entry) => {
  const [character, ...words] = entry.split(" ");
  return { character, words: words.join(" ") };
});
