// The words of the suite. All are common in old and plain English prose (scripture, plays, manuals), so that a small
// model trained on such text has met them. No noun or adjective here begins with a vowel sound: "a" is always right.
#include "suite_tables.h"

namespace reprise::eval::suite {
namespace {

constexpr Entry kMale[] = {
    {{"man", "men"}},          {{"king", "kings"}},          {{"son", "sons"}}, {{"father", "fathers"}},
    {{"brother", "brothers"}}, {{"priest", "priests"}},      {{"boy", "boys"}}, {{"lord", "lords"}},
    {{"prince", "princes"}},   {{"gentleman", "gentlemen"}},
};
constexpr Entry kFemale[] = {
    {{"woman", "women"}}, {{"wife", "wives"}},     {{"daughter", "daughters"}}, {{"lady", "ladies"}},
    {{"maid", "maids"}},  {{"mother", "mothers"}}, {{"sister", "sisters"}},     {{"queen", "queens"}},
};
constexpr Entry kPerson[] = {
    {{"man", "men"}},          {{"king", "kings"}},           {{"son", "sons"}},
    {{"father", "fathers"}},   {{"brother", "brothers"}},     {{"priest", "priests"}},
    {{"boy", "boys"}},         {{"lord", "lords"}},           {{"woman", "women"}},
    {{"wife", "wives"}},       {{"daughter", "daughters"}},   {{"lady", "ladies"}},
    {{"servant", "servants"}}, {{"child", "children"}},       {{"friend", "friends"}},
    {{"prophet", "prophets"}}, {{"messenger", "messengers"}}, {{"prince", "princes"}},
};
constexpr Entry kPlace[] = {
    {{"city", "cities"}}, {{"house", "houses"}},   {{"field", "fields"}},       {{"place", "places"}},
    {{"tent", "tents"}},  {{"gate", "gates"}},     {{"mountain", "mountains"}}, {{"land", "lands"}},
    {{"camp", "camps"}},  {{"valley", "valleys"}},
};
constexpr Entry kThing[] = {
    {{"word", "words"}},   {{"name", "names"}},   {{"stone", "stones"}},     {{"letter", "letters"}},
    {{"sword", "swords"}}, {{"book", "books"}},   {{"garment", "garments"}}, {{"thing", "things"}},
    {{"tree", "trees"}},   {{"table", "tables"}}, {{"law", "laws"}},         {{"horse", "horses"}},
    {{"door", "doors"}},   {{"gift", "gifts"}},
};
constexpr Entry kOwned[] = {
    {{"house", "houses"}}, {{"hand", "hands"}},       {{"heart", "hearts"}},   {{"name", "names"}},
    {{"sword", "swords"}}, {{"horse", "horses"}},     {{"letter", "letters"}}, {{"tent", "tents"}},
    {{"field", "fields"}}, {{"garment", "garments"}},
};
constexpr Entry kMaleName[] = {{{"David"}},  {{"Moses"}},   {{"Saul"}},    {{"Aaron"}},  {{"Jacob"}},    {{"Joseph"}},
                               {{"Joshua"}}, {{"Solomon"}}, {{"Abraham"}}, {{"Samuel"}}, {{"Jonathan"}}, {{"John"}}};
constexpr Entry kFemaleName[] = {{{"Rachel"}}, {{"Sarah"}}, {{"Rebekah"}}, {{"Leah"}}, {{"Beatrice"}}, {{"Rosalind"}}};
constexpr Entry kAdjective[] = {{{"good"}}, {{"great"}},  {{"wise"}}, {{"old"}},  {{"young"}},  {{"poor"}},
                                {{"dead"}}, {{"strong"}}, {{"rich"}}, {{"holy"}}, {{"gentle"}}, {{"honest"}}};
constexpr Entry kQuality[] = {{{"good"}},  {{"great"}}, {{"new"}},   {{"old"}},   {{"large"}},
                              {{"small"}}, {{"holy"}},  {{"clean"}}, {{"white"}}, {{"little"}}};

// Verbs with an object whose base, past and participle all differ, with one accepted form of each.
constexpr Entry kTake[] = {
    {{"take", "takes", "took", "taken"}},      {{"see", "sees", "saw", "seen"}},
    {{"know", "knows", "knew", "known"}},      {{"give", "gives", "gave", "given"}},
    {{"break", "breaks", "broke", "broken"}},  {{"choose", "chooses", "chose", "chosen"}},
    {{"write", "writes", "wrote", "written"}}, {{"forget", "forgets", "forgot", "forgotten"}},
};
// Verbs that take a thing as object; base and past differ.
constexpr Entry kBring[] = {
    {{"take", "takes", "took", "taken"}},        {{"see", "sees", "saw", "seen"}},
    {{"bring", "brings", "brought", "brought"}}, {{"make", "makes", "made", "made"}},
    {{"keep", "keeps", "kept", "kept"}},         {{"find", "finds", "found", "found"}},
    {{"give", "gives", "gave", "given"}},        {{"know", "knows", "knew", "known"}},
    {{"leave", "leaves", "left", "left"}},       {{"love", "loves", "loved", "loved"}},
};
// Verbs that take a person as object.
constexpr Entry kMeet[] = {
    {{"see", "sees", "saw", "seen"}},
    {{"send", "sends", "sent", "sent"}},
    {{"kill", "kills", "killed", "killed"}},
    {{"call", "calls", "called", "called"}},
    {{"bless", "blesses", "blessed", "blessed"}},
    {{"love", "loves", "loved", "loved"}},
    {{"hear", "hears", "heard", "heard"}},
    {{"know", "knows", "knew", "known"}},
    {{"bring", "brings", "brought", "brought"}},
    {{"find", "finds", "found", "found"}},
};
// Verbs without object; base and past differ.
constexpr Entry kGo[] = {
    {{"go", "goes", "went", "gone"}},         {{"come", "comes", "came", "come"}},
    {{"speak", "speaks", "spoke", "spoken"}}, {{"fall", "falls", "fell", "fallen"}},
    {{"rise", "rises", "rose", "risen"}},     {{"stand", "stands", "stood", "stood"}},
    {{"live", "lives", "lived", "lived"}},    {{"die", "dies", "died", "died"}},
};
// Verbs without object whose base, past and participle all differ.
constexpr Entry kFall[] = {
    {{"go", "goes", "went", "gone"}},        {{"speak", "speaks", "spoke", "spoken"}},
    {{"fall", "falls", "fell", "fallen"}},   {{"rise", "rises", "rose", "risen"}},
    {{"begin", "begins", "began", "begun"}}, {{"grow", "grows", "grew", "grown"}},
};
// Ways to move to a place; base and past differ.
constexpr Entry kTravel[] = {
    {{"go", "goes", "went", "gone"}},
    {{"come", "comes", "came", "come"}},
    {{"run", "runs", "ran", "run"}},
    {{"turn", "turns", "turned", "turned"}},
    {{"return", "returns", "returned", "returned"}},
    {{"walk", "walks", "walked", "walked"}},
};
// What one does with a thing towards somebody; base and past differ.
constexpr Entry kCarry[] = {
    {{"bring", "brings", "brought", "brought"}}, {{"take", "takes", "took", "taken"}},
    {{"send", "sends", "sent", "sent"}},         {{"give", "gives", "gave", "given"}},
    {{"show", "shows", "showed", "shown"}},
};
// Verbs with an object that never take two objects.
constexpr Entry kHold[] = {
    {{"take", "takes", "took", "taken"}}, {{"see", "sees", "saw", "seen"}},      {{"keep", "keeps", "kept", "kept"}},
    {{"know", "knows", "knew", "known"}}, {{"love", "loves", "loved", "loved"}},
};
// What one does to oneself, in the past.
constexpr Entry kSelfAct[] = {{{"hid"}},    {{"saved"}},  {{"killed"}}, {{"washed"}},
                              {{"showed"}}, {{"called"}}, {{"bowed"}}};

constexpr Entry kBe[] = {{{"is", "are"}}, {{"was", "were"}}};
constexpr Entry kHave[] = {{{"has", "have"}}};
constexpr Entry kDo[] = {{{"does", "do"}}};
constexpr Entry kDemonstrative[] = {{{"this", "these"}}, {{"that", "those"}}};
constexpr Entry kOne[] = {{{"this"}}, {{"every"}}, {{"each"}}, {{"a"}}, {{"another"}}, {{"one"}}};
constexpr Entry kMany[] = {{{"these"}}, {{"many"}}, {{"those"}}, {{"two"}}, {{"three"}}, {{"several"}}};
constexpr Entry kModal[] = {{{"will"}}, {{"shall"}}, {{"may"}}, {{"can"}}, {{"must"}}, {{"should"}}, {{"would"}}};
constexpr Entry kPronoun[] = {{{"I", "me"}}, {{"he", "him"}}, {{"she", "her"}}, {{"we", "us"}}, {{"they", "them"}}};
// Pronouns whose possessive and object forms differ.
constexpr Entry kPossessor[] = {
    {{"I", "me", "my"}}, {{"he", "him", "his"}}, {{"we", "us", "our"}}, {{"they", "them", "their"}}};
// The same where the possessive cannot stand alone (his can).
constexpr Entry kOwner[] = {{{"me", "my"}}, {{"us", "our"}}, {{"them", "their"}}, {{"you", "your"}}};
constexpr Entry kTowards[] = {{{"to"}}, {{"with"}}, {{"from"}}, {{"for"}}, {{"before"}}, {{"after"}}, {{"against"}}};
constexpr Entry kWhere[] = {{{"in"}}, {{"from"}}, {{"into"}}, {{"to"}}, {{"by"}}, {{"at"}}};
constexpr Entry kWhen[] = {{{"in the morning"}},    {{"that day"}},      {{"in the night"}},
                           {{"before the people"}}, {{"in those days"}}, {{"in the land"}}};
constexpr Entry kWant[] = {{{"began"}}, {{"came"}}, {{"went"}}, {{"wanted"}}};
constexpr Entry kAlso[] = {{{"also"}}, {{"now"}}, {{"surely"}}, {{"still"}}, {{"then"}}};
constexpr Entry kOften[] = {{{"often"}}, {{"always"}}, {{"also"}}, {{"now"}}};

constexpr WordClass kLexicon[] = {
    {"male", {"sg", "pl"}, kMale},
    {"female", {"sg", "pl"}, kFemale},
    {"person", {"sg", "pl"}, kPerson},
    {"place", {"sg", "pl"}, kPlace},
    {"thing", {"sg", "pl"}, kThing},
    {"owned", {"sg", "pl"}, kOwned},
    {"malename", {"name"}, kMaleName},
    {"femalename", {"name"}, kFemaleName},
    {"adjective", {"word"}, kAdjective},
    {"quality", {"word"}, kQuality},
    {"take", {"base", "s", "past", "part"}, kTake},
    {"bring", {"base", "s", "past", "part"}, kBring},
    {"meet", {"base", "s", "past", "part"}, kMeet},
    {"go", {"base", "s", "past", "part"}, kGo},
    {"fall", {"base", "s", "past", "part"}, kFall},
    {"travel", {"base", "s", "past", "part"}, kTravel},
    {"carry", {"base", "s", "past", "part"}, kCarry},
    {"hold", {"base", "s", "past", "part"}, kHold},
    {"selfact", {"past"}, kSelfAct},
    {"be", {"sg", "pl"}, kBe},
    {"have", {"sg", "pl"}, kHave},
    {"do", {"sg", "pl"}, kDo},
    {"demonstrative", {"sg", "pl"}, kDemonstrative},
    {"one", {"word"}, kOne},
    {"many", {"word"}, kMany},
    {"modal", {"word"}, kModal},
    {"pronoun", {"subj", "obj"}, kPronoun},
    {"possessor", {"subj", "obj", "poss"}, kPossessor},
    {"owner", {"obj", "poss"}, kOwner},
    {"towards", {"word"}, kTowards},
    {"where", {"word"}, kWhere},
    {"when", {"phrase"}, kWhen},
    {"want", {"past"}, kWant},
    {"also", {"word"}, kAlso},
    {"often", {"word"}, kOften},
};

}  // namespace

std::span<const WordClass> lexicon() { return kLexicon; }

}  // namespace reprise::eval::suite
