// Writes re2.jsonl: each construct of RE2's syntax page (https://github.com/google/re2/wiki/Syntax), and of others that RE2 does not have,
// with the texts that it fits by Go's regexp, or with an error. Go's regexp has RE2's syntax, and is what roles written for Teleport run on.
// Made with Go 1.19: go run make-re2.go > re2.jsonl
package main

import (
	"encoding/json"
	"os"
	"regexp"
)

var subjects = []string{
	"", "a", "b", "ab", "aa", "aaa", "abc", "A", "AB", "z", "k", "K", "\u212a", "s", "\u017f", "0", "9", "\u0661", "_", "-", ".", "*", "[", "]", "^", "$", "\\", "|", "{", "}",
	"{,2}", "a{,2}", "a{x}", " ", "\t", "\n", "\v", "\f", "\r", "\a", "\u0085", "\u00a0", "\u2028", "a\n", "\na", "a\nb", "é", "É", "ß", "Ω", "ω", "😀", "🙂", "a😀b", "a.b", "a-b", "a]", "b]", "aé",
	"alpha", ":", "\x00", "\x7f", "prod-db", "dev-1", "x1y", "Q", "E", "&&", "a*b",
}

var constructs = []string{
	// Single characters and classes.
	".", "(?s).", "[abc]", "[^abc]", "[a-c]", "[^a-c]", "[-a]", "[a-]", "[a-c-e]", "[]a]", "[^]a]", "[[a]", "[a^]", "[.*$]", "[a-z-[aeiou]]", "[a&&b]", "[a||b]", "[é-ü]", "[Ω]", "[😀]", "[^😀]", "[☀-🙂]",
	`[\x{1F600}-\x{1F642}]`, `[\x00-\x{10FFFF}]`, `[^\x00-\x{10FFFF}]`, "[z-a]", "[a", "[]", "[^]",
	// Perl classes.
	`\d`, `\D`, `\s`, `\S`, `\w`, `\W`, `[\d]`, `[\D]`, `[^\d]`, `[\s]`, `[\w-]`, `[\W_]`, `[\d-z]`, `[a-\d]`, `\h`, `\H`, `\v`, `\V`, `\N`, `\R`, `\X`,
	// Classes of POSIX.
	"[[:alnum:]]", "[[:alpha:]]", "[[:ascii:]]", "[[:blank:]]", "[[:cntrl:]]", "[[:digit:]]", "[[:graph:]]", "[[:lower:]]", "[[:print:]]", "[[:punct:]]", "[[:space:]]", "[[:upper:]]", "[[:word:]]", "[[:xdigit:]]",
	"[[:^alpha:]]", "[^[:alpha:]]", "[^[:^alpha:]]", "[[:alpha:][:digit:]]", "[[:alpha:]-]", "[:alpha:]", "[[:foo:]]", "[[:ALPHA:]]", "[[:alpha:]", "[[=a=]]", "[[.a.]]", "^[[:alpha:]]+$",
	// Classes of Unicode.
	`\pN`, `\PN`, `\p{L}`, `\p{Greek}`, `\P{Greek}`, `\p{^Greek}`, `[\p{Greek}a]`, `\p{IsGreek}`, `\p{Script=Greek}`,
	// Composites, repetitions.
	"ab", "a|b", "a|", "|a", "(|a)b", "a*", "a+b", "ab?", "^a{2}$", "^a{2,}$", "^a{0,2}$", "^a{,2}$", "^a{x}$", "^a{1}{2}$", "a{2,1}", "a{1001}", "(a{100}){11}", "(a{10}){10}", "^a{02}$", "{", "a{", "}", "]", "a**", "a+*", "a*+", "a++", "a?+", "a{2}+",
	"a*?b", "a+?", "a??b", "a{1,2}?", "*", "+", "?", "a|*", "(*)", "^*a", "$+", "(a*)*b", "(?:)*a", "()", "x*", "{1}",
	// Groups and flags.
	"(a)b", "(?P<n>a)b", "(?P<n>a)(?P<n>b)", "(?P<>a)", "(?P<n-m>a)", "(?:a)b", "(?i)a", "(?i:a)b", "(?-i)a", "(?i)a(?-i)b", "(?i)(a(?-i)b)", "(?im-s:a)", "(?)a", "(?:)", "(?-)a", "(?i-)a", "(?x)a b", "(?n)(a)", "(?U)a+", "(?U)a+?",
	"(?#comment)a", "(?>a)", "(?|a|b)", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?P=n)", "(?P>n)", "(?R)", "(?1)", "(?&n)", "(?(1)a|b)", "(?'n'a)", "(?C)", "(a", "a)", "(?", "(?i", "(?P<n",
	"(?i)k", "(?i)s", "(?i)[k]", "(?i)[^k]", "(?i)[a-z]", "(?i)[[:upper:]]", "(?i)[[:^upper:]]", `(?i)\W`, `(?i)[\x00-\x7f]`, `(?i)\x{17F}`, "(?i)é", "(?i)ß", "(?i)ω", "(?i)😀", "(?i)[^a]", "(?i)prod-DB",
	// Empty texts.
	"^", "$", "^a$", "a$", "(?m)^a$", "(?m)$", "(?m)^b", `\Aa`, `a\z`, `a\Z`, `\ba`, `a\b`, `\Ba`, `\Ga`, `\Ka`,
	// Escapes.
	`\a`, `\f`, `\t`, `\n`, `\r`, `\v`, `\0`, `\012`, `\141`, `\1`, `\12`, `\8`, `\18`, `(a)\1`, `\k<n>`, `\g1`, `\x61`, `\x6`, `\x{61}`, `\x{1F600}`, `\x{110000}`, `\x{}`, `\u0061`, `\U00000061`, `\e`, `\cA`, `\C`, `\.`, `\-`, `\_`, `\é`, `\q`, `\`,
	`\Qa.b\E`, `\Qa*\E`, `\Qa.b`, `\Qa*b\E`, `\Q\E`, `a\Qa\E{2}`, `\E`, `[\Qa\E]`, `\Q[\E`, `(\Qa)`, `(?i)\Qab\E`, `^\Qa.b\E$`,
}

var replacements = [][2]string{
	{"a", "x"}, {"a*", "x"}, {"", "-"}, {"b*", "<$0>"}, {"(a)(b)?", "[$1|$2]"}, {"(?P<first>a)", "${first}!"}, {"a", "$$"}, {"^(.*)-(.*)$", "$2.$1"}, {"(a)|(b)", "<$1$2>"}, {"a+?", "x"}, {"(?U)a+", "x"}, {".", "x"}, {"(^|[^a])b", "${1}B"},
	{"a|ab", "x"}, {"ab|a", "x"}, {"(a+)(a*)", "$2$1"}, {"(a+?)(a*)", "$2$1"}, {`\s`, "_"}, {"(?i)a", "x"},
}

type row struct {
	Pattern     string            `json:"pattern"`
	Replacement *string           `json:"replacement,omitempty"`
	Fits        []string          `json:"fits"`
	Replaced    map[string]string `json:"replaced,omitempty"`
	Error       string            `json:"error,omitempty"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, pattern := range constructs {
		one := row{Pattern: pattern, Fits: []string{}}
		if re, err := regexp.Compile(pattern); err != nil {
			one.Error = err.Error()
		} else {
			for _, subject := range subjects {
				if re.MatchString(subject) {
					one.Fits = append(one.Fits, subject)
				}
			}
		}
		out.Encode(one)
	}
	out.Encode(row{Pattern: "SUBJECTS", Fits: subjects})
	for _, pair := range replacements {
		replacement := pair[1]
		one := row{Pattern: pair[0], Replacement: &replacement, Fits: []string{}, Replaced: map[string]string{}}
		re := regexp.MustCompile(pair[0])
		for _, subject := range subjects {
			one.Replaced[subject] = re.ReplaceAllString(subject, pair[1])
		}
		out.Encode(one)
	}
}
