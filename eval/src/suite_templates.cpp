// The templates of the ten phenomena. Where a phenomenon is a choice between forms (singular or plural, subject or
// object), templates come in mirrored twos, so that always preferring one form scores one half.
#include "suite_tables.h"

namespace reprise::eval::suite {
namespace {

// Half of the pairs have an attractor of the other number (templates 1, 2, 5, 6, 9, 10), half of the same number.
constexpr Template kAttractor[] = {
    {"The {person.sg} of the {place.pl} {be.sg} {adjective.word}.",
     "The {person.sg} of the {place.pl} {be.pl} {adjective.word}."},
    {"The {person.pl} of the {place.sg} {be.pl} {adjective.word}.",
     "The {person.pl} of the {place.sg} {be.sg} {adjective.word}."},
    {"The {person.sg} of the {place.sg} {be.sg} {adjective.word}.",
     "The {person.sg} of the {place.sg} {be.pl} {adjective.word}."},
    {"The {person.pl} of the {place.pl} {be.pl} {adjective.word}.",
     "The {person.pl} of the {place.pl} {be.sg} {adjective.word}."},
    {"The {thing.sg} of the {person.pl} {be.sg} {quality.word}.",
     "The {thing.sg} of the {person.pl} {be.pl} {quality.word}."},
    {"The {thing.pl} of the {person.sg} {be.pl} {quality.word}.",
     "The {thing.pl} of the {person.sg} {be.sg} {quality.word}."},
    {"The {thing.sg} of the {person.sg} {be.sg} {quality.word}.",
     "The {thing.sg} of the {person.sg} {be.pl} {quality.word}."},
    {"The {thing.pl} of the {person.pl} {be.pl} {quality.word}.",
     "The {thing.pl} of the {person.pl} {be.sg} {quality.word}."},
    {"The {person.sg} with the {thing.pl} {have.sg} {go.part}.",
     "The {person.sg} with the {thing.pl} {have.pl} {go.part}."},
    {"The {person.pl} with the {thing.sg} {have.pl} {go.part}.",
     "The {person.pl} with the {thing.sg} {have.sg} {go.part}."},
    {"The {person.sg} with the {thing.sg} {have.sg} {go.part}.",
     "The {person.sg} with the {thing.sg} {have.pl} {go.part}."},
    {"The {person.pl} with the {thing.pl} {have.pl} {go.part}.",
     "The {person.pl} with the {thing.pl} {have.sg} {go.part}."},
};

constexpr Template kAuxiliary[] = {
    {"The {person.sg} {modal.word} {bring.base} the {thing.sg}.",
     "The {person.sg} {modal.word} {bring.past} the {thing.sg}."},
    {"{possessor.subj} {modal.word} not {travel.base} to the {place.sg}.",
     "{possessor.subj} {modal.word} not {travel.past} to the {place.sg}."},
    {"The {person.pl} {want.past} to {bring.base} the {thing.pl}.",
     "The {person.pl} {want.past} to {bring.past} the {thing.pl}."},
    {"The {person.sg} did not {meet.base} the {person2.sg}.", "The {person.sg} did not {meet.past} the {person2.sg}."},
    {"The {person.sg} had {take.part} the {thing.sg}.", "The {person.sg} had {take.base} the {thing.sg}."},
    {"The {person.pl} have {meet.part} {pronoun.obj}.", "The {person.pl} have {meet.base} {pronoun.obj}."},
    {"The {thing.sg} {be.sg} {take.part} by the {person.sg}.",
     "The {thing.sg} {be.sg} {take.base} by the {person.sg}."},
    {"You {modal.word} {meet.base} the {person.pl} in the {place.sg}.",
     "You {modal.word} {meet.s} the {person.pl} in the {place.sg}."},
};

constexpr Template kDeterminerNoun[] = {
    {"The {person.sg} {bring.past} {one.word} {thing.sg}.", "The {person.sg} {bring.past} {one.word} {thing.pl}."},
    {"The {person.sg} {bring.past} {many.word} {thing.pl}.", "The {person.sg} {bring.past} {many.word} {thing.sg}."},
    {"{one.word} {person.sg} {travel.past} to the {place.sg}.",
     "{one.word} {person.pl} {travel.past} to the {place.sg}."},
    {"{many.word} {person.pl} {travel.past} to the {place.sg}.",
     "{many.word} {person.sg} {travel.past} to the {place.sg}."},
    {"The {person.sg} {travel.past} {where.word} {demonstrative.sg} {place.sg}.",
     "The {person.sg} {travel.past} {where.word} {demonstrative.pl} {place.sg}."},
    {"The {person.sg} {travel.past} {where.word} {demonstrative.pl} {place.pl}.",
     "The {person.sg} {travel.past} {where.word} {demonstrative.sg} {place.pl}."},
    {"You shall {carry.base} {demonstrative.sg} {thing.sg} to the {place.sg}.",
     "You shall {carry.base} {demonstrative.pl} {thing.sg} to the {place.sg}."},
    {"You shall {carry.base} {demonstrative.pl} {thing.pl} to the {place.sg}.",
     "You shall {carry.base} {demonstrative.sg} {thing.pl} to the {place.sg}."},
};

constexpr Template kIrregular[] = {
    {"The {person.sg} {take.past} the {thing.sg}.", "The {person.sg} {take.part} the {thing.sg}."},
    {"The {person.sg} has {take.part} the {thing.sg}.", "The {person.sg} has {take.past} the {thing.sg}."},
    {"{pronoun.subj} {fall.past} in the {place.sg}.", "{pronoun.subj} {fall.part} in the {place.sg}."},
    {"They have {fall.part} in the {place.sg}.", "They have {fall.past} in the {place.sg}."},
    {"{malename.name} {fall.past} before the {person.sg}.", "{malename.name} {fall.part} before the {person.sg}."},
    {"{malename.name} had {fall.part} before the {person.sg}.",
     "{malename.name} had {fall.past} before the {person.sg}."},
    {"The {person.pl} {take.past} the {thing.pl} of the {place.sg}.",
     "The {person.pl} {take.part} the {thing.pl} of the {place.sg}."},
    {"The {person.pl} have {take.part} the {thing.pl} of the {place.sg}.",
     "The {person.pl} have {take.past} the {thing.pl} of the {place.sg}."},
};

// In half of the pairs the licensor differs, in half the polarity item.
constexpr Template kPolarity[] = {
    {"{pronoun.subj} did not {bring.base} any {thing.sg}.",
     "{pronoun.subj} did {also.word} {bring.base} any {thing.sg}."},
    {"The {person.sg} {bring.past} some {thing.pl} in the {place.sg}.",
     "The {person.sg} {bring.past} any {thing.pl} in the {place.sg}."},
    {"No {person.sg} has ever {meet.part} the {person2.sg}.",
     "Every {person.sg} has ever {meet.part} the {person2.sg}."},
    {"The {person.sg} has {often.word} {meet.part} the {person2.sg}.",
     "The {person.sg} has ever {meet.part} the {person2.sg}."},
    {"The {person.sg} {travel.past} without any {thing.sg}.", "The {person.sg} {travel.past} with any {thing.sg}."},
    {"The {person.sg} {travel.past} with some {thing.pl}.", "The {person.sg} {travel.past} with any {thing.pl}."},
    {"{pronoun.subj} did not {carry.base} anything to the {person.sg}.",
     "{pronoun.subj} did {also.word} {carry.base} anything to the {person.sg}."},
    {"{pronoun.subj} {bring.past} something in the {place.sg}.",
     "{pronoun.subj} {bring.past} anything in the {place.sg}."},
};

constexpr Template kPossessive[] = {
    {"The {person.sg} {hold.past} {possessor.poss} {owned.sg}.",
     "The {person.sg} {hold.past} {possessor.obj} {owned.sg}."},
    {"The {person.sg} {meet.past} {owner.obj} in the {place.sg}.",
     "The {person.sg} {meet.past} {owner.poss} in the {place.sg}."},
    {"The {person.pl} {travel.past} to {possessor.poss} {place.sg}.",
     "The {person.pl} {travel.past} to {possessor.obj} {place.sg}."},
    {"The {person.pl} {travel.past} to {owner.obj} in the {place.sg}.",
     "The {person.pl} {travel.past} to {owner.poss} in the {place.sg}."},
    {"{pronoun.subj} {bring.past} the {person.sg}'s {owned.sg}.",
     "{pronoun.subj} {bring.past} the {person.sg} {owned.sg}'s."},
    {"The {owned.pl} of {possessor.poss} {person.sg} {be.pl} {quality.word}.",
     "The {owned.pl} of {possessor.obj} {person.sg} {be.pl} {quality.word}."},
};

constexpr Template kCase[] = {
    {"Then {pronoun.subj} {travel.past} to the {place.sg}.", "Then {pronoun.obj} {travel.past} to the {place.sg}."},
    {"The {person.sg} {travel.past} {towards.word} {pronoun.obj}.",
     "The {person.sg} {travel.past} {towards.word} {pronoun.subj}."},
    {"{pronoun.subj} {carry.past} the {thing.sg} to the {person.sg}.",
     "{pronoun.obj} {carry.past} the {thing.sg} to the {person.sg}."},
    {"The {person.sg} {meet.past} {pronoun.obj} in the {place.sg}.",
     "The {person.sg} {meet.past} {pronoun.subj} in the {place.sg}."},
    {"When {pronoun.subj} {meet.past} the {person.sg}, the {person2.pl} {go.past}.",
     "When {pronoun.obj} {meet.past} the {person.sg}, the {person2.pl} {go.past}."},
    {"The {person.pl} gave the {thing.sg} to {pronoun.obj}.", "The {person.pl} gave the {thing.sg} to {pronoun.subj}."},
};

// Each right form is the wrong form of another template.
constexpr Template kReflexive[] = {
    {"The {male.sg} {selfact.past} himself {when.phrase}.", "The {male.sg} {selfact.past} herself {when.phrase}."},
    {"The {female.sg} {selfact.past} herself {when.phrase}.", "The {female.sg} {selfact.past} himself {when.phrase}."},
    {"The {male.sg} {selfact.past} himself {when.phrase}.", "The {male.sg} {selfact.past} themselves {when.phrase}."},
    {"The {male.pl} {selfact.past} themselves {when.phrase}.", "The {male.pl} {selfact.past} himself {when.phrase}."},
    {"I {selfact.past} myself {when.phrase}.", "I {selfact.past} himself {when.phrase}."},
    {"He {selfact.past} himself {when.phrase}.", "He {selfact.past} myself {when.phrase}."},
    {"They {selfact.past} themselves {when.phrase}.", "They {selfact.past} himself {when.phrase}."},
    {"{malename.name} {selfact.past} himself {when.phrase}.",
     "{malename.name} {selfact.past} themselves {when.phrase}."},
    {"{femalename.name} {selfact.past} herself {when.phrase}.",
     "{femalename.name} {selfact.past} himself {when.phrase}."},
    {"{malename.name} {selfact.past} himself {when.phrase}.", "{malename.name} {selfact.past} herself {when.phrase}."},
};

constexpr Template kSubjectVerb[] = {
    {"The {person.sg} {be.sg} {adjective.word}.", "The {person.sg} {be.pl} {adjective.word}."},
    {"The {person.pl} {be.pl} {adjective.word}.", "The {person.pl} {be.sg} {adjective.word}."},
    {"The {person.sg} {have.sg} {bring.part} the {thing.sg}.",
     "The {person.sg} {have.pl} {bring.part} the {thing.sg}."},
    {"The {person.pl} {have.pl} {bring.part} the {thing.sg}.",
     "The {person.pl} {have.sg} {bring.part} the {thing.sg}."},
    {"The {person.sg} {do.sg} not {bring.base} the {thing.sg}.",
     "The {person.sg} {do.pl} not {bring.base} the {thing.sg}."},
    {"The {person.pl} {do.pl} not {bring.base} the {thing.sg}.",
     "The {person.pl} {do.sg} not {bring.base} the {thing.sg}."},
    {"The {place.sg} {be.sg} {quality.word}, and {malename.name} {go.past} there.",
     "The {place.sg} {be.pl} {quality.word}, and {malename.name} {go.past} there."},
    {"The {place.pl} {be.pl} {quality.word}, and {malename.name} {go.past} there.",
     "The {place.pl} {be.sg} {quality.word}, and {malename.name} {go.past} there."},
    {"He {be.sg} {adjective.word} in the {place.sg}.", "He {be.pl} {adjective.word} in the {place.sg}."},
    {"They {be.pl} {adjective.word} in the {place.sg}.", "They {be.sg} {adjective.word} in the {place.sg}."},
    {"He {have.sg} {bring.part} the {thing.sg}.", "He {have.pl} {bring.part} the {thing.sg}."},
    {"They {have.pl} {bring.part} the {thing.sg}.", "They {have.sg} {bring.part} the {thing.sg}."},
    {"She {do.sg} not {bring.base} the {thing.sg}.", "She {do.pl} not {bring.base} the {thing.sg}."},
    {"We {do.pl} not {bring.base} the {thing.sg}.", "We {do.sg} not {bring.base} the {thing.sg}."},
    {"The {person.sg} {bring.s} the {thing.pl} of the {place.sg}.",
     "The {person.sg} {bring.base} the {thing.pl} of the {place.sg}."},
    {"The {person.pl} {bring.base} the {thing.pl} of the {place.sg}.",
     "The {person.pl} {bring.s} the {thing.pl} of the {place.sg}."},
};

constexpr Template kWordOrder[] = {
    {"The {person.sg} {bring.past} the {thing.sg}.", "The {person.sg} {bring.past} {thing.sg} the."},
    {"The {person.pl} {meet.past} {pronoun.obj} in the {place.sg}.",
     "The {person.pl} {pronoun.obj} {meet.past} in the {place.sg}."},
    {"The {person.sg} {travel.past} {where.word} the {place.sg}.",
     "The {person.sg} {travel.past} the {where.word} {place.sg}."},
    {"The {person.sg} {modal.word} {bring.base} the {thing.sg}.",
     "The {person.sg} {bring.base} {modal.word} the {thing.sg}."},
    {"The {adjective.word} {person.sg} {travel.past} to the {place.sg}.",
     "The {person.sg} {adjective.word} {travel.past} to the {place.sg}."},
    {"{pronoun.subj} will not {bring.base} the {thing.pl}.", "{pronoun.subj} not will {bring.base} the {thing.pl}."},
    {"The {person.sg} {want.past} to {bring.base} the {thing.sg}.",
     "The {person.sg} {want.past} {bring.base} to the {thing.sg}."},
    {"The {thing.pl} of the {person.sg} were {quality.word}.",
     "The of {thing.pl} the {person.sg} were {quality.word}."},
};

constexpr Phenomenon kPhenomena[] = {
    {"agreement_across_attractor", kAttractor},
    {"auxiliary_verb_form", kAuxiliary},
    {"determiner_noun_agreement", kDeterminerNoun},
    {"irregular_participle", kIrregular},
    {"negative_polarity", kPolarity},
    {"possessive_form", kPossessive},
    {"pronoun_case", kCase},
    {"reflexive_agreement", kReflexive},
    {"subject_verb_agreement", kSubjectVerb},
    {"word_order", kWordOrder},
};

}  // namespace

std::span<const Phenomenon> phenomena() { return kPhenomena; }

}  // namespace reprise::eval::suite
