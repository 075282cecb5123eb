/* A small set of emoji, with words to find them by. The whole of Unicode can be typed; this is for the quick ones. */
const LIST = `
👍 thumbs up yes agree|👎 thumbs down no|❤️ heart love|😂 laugh tears joy|🎉 party celebrate|👀 eyes look|🙏 thanks please pray|🔥 fire hot
😀 grin happy|😄 smile happy|😁 beam|😅 sweat relief|🤣 rofl laugh|😊 blush smile|🙂 slight smile|😉 wink
😍 heart eyes love|🥰 adore love|😘 kiss|😋 yum tasty|😜 tongue silly|🤔 think hmm|🤨 eyebrow doubt|😐 neutral
😏 smirk|🙄 roll eyes|😬 grimace|😌 relieved calm|😴 sleep tired|😎 cool sunglasses|🤓 nerd|🥳 party face birthday
😕 confused|🙁 frown sad|😮 wow open mouth|😲 astonished|😳 flushed|🥺 please puppy|😢 cry sad|😭 sob cry
😱 scream shock|😤 huff|😡 angry|🤯 mind blown|🤒 ill sick|🤗 hug|🤝 handshake deal|🫡 salute
👋 wave hello bye|👌 ok fine|✌️ peace victory|🤞 fingers crossed luck|👏 clap applause|🙌 hands raised hooray|💪 strong muscle|🤷 shrug
👉 point right|👈 point left|☝️ point up|✅ check done|❌ cross wrong no|❗ exclamation important|❓ question|💯 hundred perfect
💔 broken heart|💙 blue heart|💚 green heart|💛 yellow heart|💜 purple heart|🖤 black heart|✨ sparkles new|⭐ star
☀️ sun|🌧️ rain|⛄ snow winter|🌈 rainbow|🌱 plant grow|🌍 world earth|🐛 bug insect|🐱 cat
🐶 dog|🦆 duck|🦄 unicorn|🐢 turtle slow|☕ coffee break|🍵 tea|🍺 beer|🍕 pizza
🍰 cake birthday|🍎 apple|🥑 avocado|🎂 birthday cake|🎁 gift present|🏆 trophy win|⚽ football|🎵 music
🚀 rocket ship deploy|🚲 bike|🚂 train|✈️ plane travel|🏠 home|💡 idea light|🔧 wrench fix|🔨 hammer build
📌 pin|📎 paperclip|📝 memo write|📅 calendar date|⏰ alarm clock time|🔒 lock secure|🔑 key|💬 speech talk
📈 chart up|📉 chart down|💰 money|🚨 alarm siren incident|⚠️ warning|🛑 stop|♻️ recycle|🎯 target goal`;

export const EMOJI = LIST.trim().split(/[|\n]/).map((entry) => {
  const [character, ...words] = entry.split(" ");
  return { character, words: words.join(" ") };
});
