using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CertAuthority.Access.Values;

/// <summary>
/// A regular expression in the syntax of RE2, which role files use. .NET writes many constructs alike but gives them another meaning
/// (<c>\d</c>, <c>[[:alpha:]]</c>, <c>[a-z-[aeiou]]</c>), and a deny with another meaning denies nothing. Therefore no expression is passed
/// to .NET as written: this class reads RE2's grammar and writes each construct as sets of characters with RE2's meaning. A construct that
/// cannot be written this way is refused by name.
/// </summary>
public sealed class Re2
{
    /// <summary>The longest expression, in characters.</summary>
    public const int LongestText = 512;

    // The largest size of an expression after its counted repetitions are written out.
    private const int LargestSize = 1000;

    private readonly Regex regex;
    private readonly ImmutableArray<string?> groups;

    private readonly bool repeatsEmpty;

    private Re2(Regex regex, Parser read) =>
        (this.regex, groups, repeatsEmpty, IsWhole) = (regex, read.Groups, read.RepeatsEmpty, read.IsWhole);

    /// <summary>
    /// Whether <c>^…$</c> encloses the whole expression: both ends are anchors, and no alternative is outside of a group, where it would
    /// lack one anchor.
    /// </summary>
    public bool IsWhole { get; }

    /// <summary>
    /// Reads an expression. Returns null with the <paramref name="fault"/> if RE2 does not support it, or if it cannot have the same
    /// meaning here.
    /// </summary>
    public static Re2? TryParse(string text, out string? fault)
    {
        try
        {
            var parser = new Parser(text);
            var pattern = parser.Whole();
            fault = null;
            // NonBacktracking: the time is linear in the subject, whatever the expression.
            return new Re2(new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), parser);
        }
        catch (FormatException wrong)
        {
            fault = wrong.Message;
        }
        // .NET says by these two that it cannot make an automaton of an expression, which is valid.
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            fault = "the expression is too large to be matched in bounded time";
        }
        return null;
    }

    /// <summary>Whether some part of the subject matches.</summary>
    public bool IsMatch(string subject) => regex.IsMatch(subject);

    /// <summary>
    /// Reads a replacement as Go's regexp does, because role files are written for it: <c>$1</c> and <c>${name}</c> are groups, <c>$$</c>
    /// is a dollar sign. Returns null with the <paramref name="fault"/> for a group that does not exist, and for an expression where RE2
    /// and .NET agree on which texts match, but not on which part of them.
    /// </summary>
    public Func<string, string>? Replacing(string replacement, out string? fault)
    {
        var parts = new List<(string Text, int Group)>();
        fault = repeatsEmpty ? "to replace, an expression repeats nothing that can be empty, such as (a*)*; write (a+)*" : null;
        for (var at = 0; at < replacement.Length;)
        {
            var dollar = replacement.IndexOf('$', at);
            if (dollar != at)
            {
                parts.Add((replacement[at..(dollar < 0 ? replacement.Length : dollar)], -1));
                at = dollar < 0 ? replacement.Length : dollar;
                continue;
            }
            var rest = replacement[(at + 1)..];
            var braced = rest.StartsWith('{') ? rest.IndexOf('}', StringComparison.Ordinal) : -1;
            var name = braced > 0 ? rest[1..braced] : new string([.. rest.TakeWhile(IsWord)]);
            if (rest.StartsWith('$'))
            {
                parts.Add(("$", -1));
                at += 2;
            }
            else if (name.Length == 0)
                (fault, at) = ("in a replacement, a dollar sign that is not followed by a group is written $$", replacement.Length);
            // $1x refers to the group called 1x, which is never intended.
            else if (braced < 0 && char.IsAsciiDigit(name[0]) && !name.All(char.IsAsciiDigit))
                (fault, at) = ("in a replacement, write ${1} where a letter, a digit or _ follows", replacement.Length);
            else if (Group(name) is not { } group)
                (fault, at) = ($"the expression has no group \"{name}\"", replacement.Length);
            else
            {
                parts.Add(("", group));
                at += 1 + (braced > 0 ? braced + 1 : name.Length);
            }
        }
        return fault is null ? subject => Replace(subject, parts) : null;
    }

    private int? Group(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number <= groups.Length ? number : null
        : groups.IndexOf(name) is var named and >= 0 ? named + 1 : null;

    private string Replace(string subject, List<(string Text, int Group)> parts)
    {
        var last = 0;
        return regex.Replace(subject, match =>
        {
            // An empty match directly after another match, or between the two halves of a character, does not count.
            if (match.Length == 0 && match.Index > 0
                && (match.Index == last || (match.Index < subject.Length && char.IsLowSurrogate(subject[match.Index]))))
                return "";
            last = match.Index + match.Length;
            return string.Concat(parts.Select(part => part.Group < 0 ? part.Text : match.Groups[part.Group].Value));
        });
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    /// <summary>A part of the expression in .NET's form.</summary>
    /// <param name="Net">The part in .NET's syntax.</param>
    /// <param name="Size">The number of characters that it matches, with repetitions written out.</param>
    /// <param name="Repeats">The product of the nested counted repetitions in it.</param>
    /// <param name="CanBeEmpty">Whether it matches the empty text.</param>
    private readonly record struct Piece(string Net, int Size, int Repeats, bool CanBeEmpty);

    [Flags]
    private enum Flag
    {
        None = 0,
        FoldsCase = 1,
        Multiline = 2,
        DotIsAll = 4,
        Ungreedy = 8,
    }

    /// <summary>
    /// Reads, by descent and in one pass:
    /// <code>
    /// alternatives = sequence { "|" sequence }
    /// sequence     = { atom [ ( "*" | "+" | "?" | "{" n [ "," [ m ] ] "}" ) [ "?" ] ] }
    /// atom         = "(" [ "?" … ] alternatives ")" | "[" class "]" | "\" escape | "^" | "$" | "." | character
    /// </code>
    /// </summary>
    private sealed class Parser(string text)
    {
        private const int MostRepeats = 1000;
        private const int MostNested = 256;
        private const int LastRune = 0x10FFFF;

        private static readonly Dictionary<string, CharacterSet> Posix = new(StringComparer.Ordinal)
        {
            ["alnum"] = new("09AZaz"),
            ["alpha"] = new("AZaz"),
            ["ascii"] = new("\0\x7f"),
            ["blank"] = new("\t\t  "),
            ["cntrl"] = new("\0\x1f\x7f\x7f"),
            ["digit"] = new("09"),
            ["graph"] = new("!~"),
            ["lower"] = new("az"),
            ["print"] = new(" ~"),
            ["punct"] = new("!/:@[`{~"),
            ["space"] = new("\t\r  "),
            ["upper"] = new("AZ"),
            ["word"] = new("09AZaz__"),
            ["xdigit"] = new("09AFaf"),
        };

        private readonly List<string?> groups = [];
        private int at;
        private Flag flags;
        private bool startsAnchored, endsAnchored, hasAlternatives;

        public ImmutableArray<string?> Groups => [.. groups];

        /// <summary>Whether it repeats something that can be empty.</summary>
        public bool RepeatsEmpty { get; private set; }

        public bool IsWhole => startsAnchored && endsAnchored && !hasAlternatives;

        public string Whole()
        {
            if (text.Length > LongestText)
                throw Wrong($"a regular expression has at most {LongestText} characters");
            var whole = Alternatives(depth: 0);
            if (at < text.Length)
                throw Wrong("\")\" closes no group");
            return whole.Net;
        }

        private Piece Alternatives(int depth)
        {
            var first = Sequence(depth);
            while (Take('|'))
            {
                hasAlternatives |= depth == 0;
                var next = Sequence(depth);
                first = new Piece(
                    $"{first.Net}|{next.Net}", Bounded(first.Size + next.Size), Math.Max(first.Repeats, next.Repeats),
                    first.CanBeEmpty || next.CanBeEmpty);
            }
            return first;
        }

        private Piece Sequence(int depth)
        {
            var (net, size, repeats, canBeEmpty, quoted) = (new StringBuilder(), 0, 1, true, false);
            while (at < text.Length && (quoted || text[at] is not ('|' or ')')))
            {
                var start = at;
                if (Take(quoted ? @"\E" : @"\Q"))
                {
                    quoted = !quoted;
                    continue;
                }
                if ((quoted ? Characters(CharacterSet.Single(Rune())) : Atom(depth)) is not { } piece)
                    continue;
                if (quoted && Take(@"\E"))
                    quoted = false;
                if (!quoted)
                    piece = Repeated(piece);
                net.Append(piece.Net);
                (size, repeats, canBeEmpty) = (Bounded(size + piece.Size), Math.Max(repeats, piece.Repeats),
                    canBeEmpty && piece.CanBeEmpty);
                if (depth == 0)
                {
                    startsAnchored |= start == 0 && text[0] == '^' && at == 1;
                    endsAnchored = !quoted && text[start] == '$' && at == text.Length && !flags.HasFlag(Flag.Multiline);
                }
            }
            return new Piece(net.ToString(), size, repeats, canBeEmpty);
        }

        /// <summary>Reads the item that a repetition applies to; null if it only sets flags for the items after it.</summary>
        private Piece? Atom(int depth)
        {
            var start = at;
            if (Repetition() is not null)
                throw Wrong($"\"{text[start..at]}\" has nothing before it to repeat");
            switch (text[at])
            {
                case '(':
                    return Group(depth);
                case '[':
                    return Characters(Class(), folds: false);
                case '\\':
                    return Escaped();
                case '^':
                    at++;
                    return new Piece(flags.HasFlag(Flag.Multiline) ? "(?m:^)" : @"(?:\A)", 1, 1, CanBeEmpty: true);
                case '$':
                    at++;
                    return new Piece(flags.HasFlag(Flag.Multiline) ? "(?m:$)" : @"(?:\z)", 1, 1, CanBeEmpty: true);
                case '.':
                    at++;
                    return Characters(flags.HasFlag(Flag.DotIsAll) ? CharacterSet.All : CharacterSet.Single('\n').Negated, folds: false);
                default:
                    return Characters(CharacterSet.Single(Rune()));
            }
        }

        private Piece Repeated(Piece atom)
        {
            var start = at;
            if (Repetition() is not var (least, most))
                return atom;
            var op = text[start..at];
            if (least > MostRepeats || most > MostRepeats || (most >= 0 && most < least))
                throw Wrong($"the repetition {op} does not count from less to more within {MostRepeats}");
            var lazy = Take('?') ^ flags.HasFlag(Flag.Ungreedy);
            var behind = at;
            if (at < text.Length && Repetition() is not null)
                throw Wrong($"\"{text[start..at]}\" repeats a repetition; RE2 has neither that nor possessive ones");
            at = behind;
            var counted = op[0] == '{' ? Math.Max(1, most < 0 ? least : most) : 1;
            // RE2 allows 1000 here too, but .NET needs far more time than RE2 for (a{0,30}){0,30}b.
            if (atom.Repeats > 1 && (long)counted * atom.Repeats > MostNested)
                throw Wrong($"the repetitions in each other count beyond {MostNested}");
            var bounds = op[0] == '{' ? $"{{{least}{(most == least ? "" : most < 0 ? "," : $",{most}")}}}" : op;
            RepeatsEmpty |= atom.CanBeEmpty;
            return new Piece(
                $"(?:{atom.Net}){bounds}{(lazy ? "?" : "")}", Bounded((long)atom.Size * counted), counted * atom.Repeats,
                atom.CanBeEmpty || least == 0);
        }

        /// <summary>
        /// Reads a repetition and returns its bounds; Most is -1 if there is no upper bound. Returns null if there is no repetition; then a
        /// brace is an ordinary character.
        /// </summary>
        private (int Least, int Most)? Repetition()
        {
            if (Take('*'))
                return (0, -1);
            if (Take('+'))
                return (1, -1);
            if (Take('?'))
                return (0, 1);
            var start = at;
            if (Take('{') && Number() is { } least)
            {
                if (Take('}'))
                    return (least, least);
                if (Take(','))
                {
                    if (Take('}'))
                        return (least, -1);
                    if (Number() is { } most && Take('}'))
                        return (least, most);
                }
            }
            at = start;
            return null;
        }

        private int? Number()
        {
            var start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            var digits = text[start..at];
            return digits.Length == 0 || (digits.Length > 1 && digits[0] == '0')
                ? null
                : digits.Length > 4 ? int.MaxValue : int.Parse(digits, CultureInfo.InvariantCulture);
        }

        /// <summary>Reads a group; null if it only sets flags for the items after it.</summary>
        private Piece? Group(int depth)
        {
            var outer = flags;
            at++;
            var open = "(?:";
            if (!Ahead("?"))
                open = NewGroup(null);
            else if (Ahead("?P<") || (Ahead("?<") && !Ahead("?<=") && !Ahead("?<!")))
            {
                var start = text.IndexOf('<', at) + 1;
                var end = text.IndexOf('>', start);
                var name = end < 0 ? "" : text[start..end];
                if (name.Length == 0 || !name.All(IsWord))
                    throw Wrong("the name of a group has letters, digits and _ : (?P<name>…)");
                at = end + 1;
                open = NewGroup(groups.Contains(name) ? throw Wrong($"the group \"{name}\" is there twice") : name);
            }
            else
            {
                at++;
                if (!ReadFlags())
                    return null;
            }
            var inner = Alternatives(depth + 1);
            if (!Take(')'))
                throw Wrong("a group is not closed");
            flags = outer;
            return inner with { Net = $"{open}{inner.Net})" };
        }

        private string NewGroup(string? name)
        {
            groups.Add(name);
            return "(";
        }

        // Reads the flags after "(?": returns true if a group follows, false if the flags are alone.
        private bool ReadFlags()
        {
            var (start, set, on, any) = (at, flags, true, false);
            for (; at < text.Length; at++)
                switch (text[at])
                {
                    case 'i' or 'm' or 's' or 'U':
                        var flag = text[at] switch
                        {
                            'i' => Flag.FoldsCase,
                            'm' => Flag.Multiline,
                            's' => Flag.DotIsAll,
                            _ => Flag.Ungreedy
                        };
                        set = on ? set | flag : set & ~flag;
                        any = true;
                        break;
                    case '-' when on:
                        (on, any) = (false, false);
                        break;
                    case ':' or ')' when on || any:
                        flags = set;
                        return text[at++] == ':';
                    default:
                        at = text.Length;
                        break;
                }
            var what = text[start..].FirstOrDefault() switch
            {
                '=' or '!' or '<' => "a look ahead or behind",
                '>' => "an atomic group",
                '#' => "a comment",
                'P' or '&' or 'R' or '(' or '|' or '\'' => "a reference, a condition, or a group that others number differently",
                _ => "this flag; its flags are i, m, s and U",
            };
            throw Wrong($"\"(?{text[start..Math.Min(text.Length, start + 4)]}\": RE2 has no such group: {what}");
        }

        private Piece Escaped()
        {
            if (at + 1 == text.Length)
                throw Wrong("a backslash stands at the end");
            switch (text[at + 1])
            {
                case 'A':
                    at += 2;
                    return new Piece(@"(?:\A)", 1, 1, CanBeEmpty: true);
                case 'z':
                    at += 2;
                    return new Piece(@"(?:\z)", 1, 1, CanBeEmpty: true);
                case 'b' or 'B':
                    throw Wrong(
                        $"\"\\{text[at + 1]}\", a boundary of words, cannot be matched here in bounded time; write the characters around it: (^|[^a-z])");
                default:
                    return PerlClass() is { } perl ? Characters(perl, folds: false) : Characters(CharacterSet.Single(Escape()));
            }
        }

        /// <summary>Reads <c>\d</c>, <c>\s</c>, <c>\w</c> or their opposites, which are ASCII in RE2; null for another escape.</summary>
        private CharacterSet? PerlClass()
        {
            if (at + 1 >= text.Length || text[at] != '\\')
                return null;
            var c = text[at + 1];
            if (c is 'p' or 'P')
                throw Wrong(
                    $"\"\\{c}\" asks for a class of Unicode, whose characters change with its versions; write the ranges of characters");
            var set = char.ToLowerInvariant(c) switch
            {
                'd' => Posix["digit"],
                // Does not include \v, unlike [[:space:]].
                's' => new CharacterSet("\t\n\f\r  "),
                'w' => Posix["word"],
                _ => null,
            };
            if (set is null)
                return null;
            at += 2;
            return Signed(set, negated: char.IsAsciiLetterUpper(c));
        }

        // The case of a class is folded before the class is negated.
        private CharacterSet Signed(CharacterSet set, bool negated)
        {
            set = flags.HasFlag(Flag.FoldsCase) ? set.Folded! : set;
            return negated ? set.Negated : set;
        }

        private int Escape()
        {
            var start = at;
            at++;
            if (at == text.Length)
                throw Wrong("a backslash stands at the end");
            var c = text[at++];
            switch (c)
            {
                case >= '1' and <= '7' when at == text.Length || text[at] is < '0' or > '7':
                case '8' or '9':
                    throw Wrong($"\"\\{c}\": RE2 has no references back to a group");
                case >= '0' and <= '7':
                    var octal = c - '0';
                    for (var i = 1; i < 3 && at < text.Length && text[at] is >= '0' and <= '7'; i++)
                        octal = (octal * 8) + text[at++] - '0';
                    return octal;
                case 'x':
                    return Hexadecimal(start);
                case 'a':
                    return '\a';
                case 'f':
                    return '\f';
                case 'n':
                    return '\n';
                case 'r':
                    return '\r';
                case 't':
                    return '\t';
                case 'v':
                    return '\v';
                case var sign when char.IsAscii(sign) && !char.IsAsciiLetterOrDigit(sign):
                    return sign;
                default:
                    throw Wrong($"\"\\{c}\" is no escape of RE2 that means the same here");
            }
        }

        private int Hexadecimal(int start)
        {
            var braced = Take('{');
            var end = braced ? text.IndexOf('}', at) : at + 2;
            var digits = end < at || end > text.Length ? "" : text[at..end];
            if (digits.Length is 0 or > 8 || !digits.All(char.IsAsciiHexDigit)
                || Convert.ToUInt32(digits, 16) is var value && (value > LastRune || !System.Text.Rune.IsValid(value)))
                throw Wrong($"\"{text[start..Math.Min(text.Length, start + 6)]}\" is no character; write \\x7F or \\x{{10FFFF}}");
            at = braced ? end + 1 : end;
            return (int)Convert.ToUInt32(digits, 16);
        }

        private CharacterSet Class()
        {
            var set = CharacterSet.None;
            at++;
            var negated = Take('^');
            for (var first = true; first || at == text.Length || text[at] != ']'; first = false)
            {
                if (at == text.Length)
                    throw Wrong("a class [ is not closed");
                if (PosixClass() is { } named)
                    set = set.With(named);
                else if (PerlClass() is { } perl)
                    set = set.With(perl);
                else
                {
                    var (start, low) = (at, ClassCharacter());
                    var high = low;
                    if (at + 1 < text.Length && text[at] == '-' && text[at + 1] != ']')
                    {
                        at++;
                        high = ClassCharacter();
                    }
                    if (high < low)
                        throw Wrong($"the range {text[start..at]} runs backwards");
                    set = set.With(Folded(CharacterSet.Range(low, high)));
                }
            }
            at++;
            return negated ? set.Negated : set;
        }

        private int ClassCharacter() =>
            at == text.Length ? throw Wrong("a class [ is not closed") : text[at] == '\\' ? Escape() : Rune();

        // Reads [:alpha:] and the like inside a class.
        private CharacterSet? PosixClass()
        {
            if (!Ahead("[:") || text.IndexOf(":]", at + 2, StringComparison.Ordinal) is not (var end and >= 0))
                return null;
            var name = text[(at + 2)..end];
            if (!Posix.TryGetValue(name.TrimStart('^'), out var set) || name.StartsWith("^^", StringComparison.Ordinal))
                throw Wrong($"RE2 has no class [:{name}:]");
            at = end + 2;
            return Signed(set, negated: name[0] == '^');
        }

        private Piece Characters(CharacterSet set, bool folds = true) => new((folds ? Folded(set) : set).Net, 1, 1, CanBeEmpty: false);

        private CharacterSet Folded(CharacterSet set) => !flags.HasFlag(Flag.FoldsCase)
            ? set
            : set.Folded
                ?? throw Wrong(
                    "under (?i) only ASCII letters have their other case added; write both cases of other letters, outside of (?i)");

        private int Rune()
        {
            var status = System.Text.Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            if (status != System.Buffers.OperationStatus.Done)
                throw Wrong("half a character");
            at += length;
            return rune.Value;
        }

        private bool Ahead(string what) => text.AsSpan(at).StartsWith(what, StringComparison.Ordinal);

        private bool Take(char c)
        {
            if (at == text.Length || text[at] != c)
                return false;
            at++;
            return true;
        }

        private bool Take(string what)
        {
            if (!Ahead(what))
                return false;
            at += what.Length;
            return true;
        }

        private static int Bounded(long size) =>
            size <= LargestSize
                ? (int)size
                : throw Wrong($"the expression fits more than {LargestSize} characters once its repetitions are written out");

        private static FormatException Wrong(string what) => new(what);
    }

    /// <summary>A set of characters, as sorted ranges that do not touch.</summary>
    private sealed class CharacterSet
    {
        public static readonly CharacterSet None = new([]);
        public static readonly CharacterSet All = Range(0, 0x10FFFF);

        // The letters outside of ASCII that have their other case in ASCII.
        private const int LongS = 0x17F, Kelvin = 0x212A;

        private readonly ImmutableArray<(int Low, int High)> ranges;

        private CharacterSet(IEnumerable<(int Low, int High)> some)
        {
            var merged = new List<(int Low, int High)>();
            foreach (var (low, high) in some.Order())
                if (merged.Count > 0 && low <= merged[^1].High + 1)
                    merged[^1] = (merged[^1].Low, Math.Max(merged[^1].High, high));
                else
                    merged.Add((low, high));
            ranges = [.. merged];
        }

        /// <summary>A set of ranges, each given by its two ends.</summary>
        public CharacterSet(string ends)
            : this(ends.Chunk(2).Select(pair => ((int)pair[0], (int)pair[1])))
        {
        }

        public static CharacterSet Single(int rune) => Range(rune, rune);

        public static CharacterSet Range(int low, int high) => new([(low, high)]);

        public CharacterSet With(CharacterSet other) => new(ranges.Concat(other.ranges));

        public CharacterSet Negated =>
            new(
                ranges.Prepend((-1, -1)).Zip(ranges.Append((0x110000, 0x110000)), (one, next) => (one.Item2 + 1, next.Item1 - 1))
                    .Where(gap => gap.Item1 <= gap.Item2));

        /// <summary>
        /// The set including the other case of each letter; null if a letter outside of ASCII has another case, because RE2 and .NET have
        /// different tables for these.
        /// </summary>
        public CharacterSet? Folded
        {
            get
            {
                if (ranges.Any(range => range.High > 0x7F && !IsWithoutCase(Math.Max(range.Low, 0x80), range.High)))
                    return null;
                var more = new List<(int, int)>(ranges);
                foreach (var (low, high) in ranges)
                    for (var c = Math.Max(low, 'A'); c <= Math.Min(high, 'z'); c++)
                        if (char.IsAsciiLetter((char)c))
                            more.Add((c ^ 0x20, c ^ 0x20));
                // The letters with three forms.
                foreach (var (letter, third) in new[] { ('s', LongS), ('k', Kelvin) })
                    if (Has(letter) || Has(char.ToUpperInvariant(letter)) || Has(third))
                        more.AddRange([(letter, letter), (char.ToUpperInvariant(letter), char.ToUpperInvariant(letter)), (third, third)]);
                return new CharacterSet(more);
            }
        }

        /// <summary>The set in .NET's form, where characters beyond U+FFFF are surrogate pairs.</summary>
        public string Net
        {
            get
            {
                var (small, large) = (new StringBuilder(), new List<string>());
                foreach (var (low, high) in ranges)
                {
                    foreach (var (from, to) in new[] { (low, Math.Min(high, 0xD7FF)), (Math.Max(low, 0xE000), Math.Min(high, 0xFFFF)) })
                        if (from <= to)
                            small.Append(Unit(from)).Append(from == to ? "" : $"-{Unit(to)}");
                    for (var from = Math.Max(low, 0x10000); from <= high;)
                    {
                        // The second surrogate takes 1024 values: the range is split into whole blocks, written as one piece, and the rest
                        // of a block, written as one piece.
                        var whole = (from & 0x3FF) == 0 && high >= (from | 0x3FF);
                        var to = whole ? ((high + 1) & ~0x3FF) - 1 : Math.Min(high, from | 0x3FF);
                        large.Add($"[{Unit(First(from))}-{Unit(First(to))}][{Unit(Second(from))}-{Unit(Second(to))}]");
                        from = to + 1;
                    }
                }
                return (small.Length, large.Count) switch
                {
                    (0, 0) => @"[^\s\S]",
                    (_, 0) => $"[{small}]",
                    _ => $"(?:{string.Join('|', small.Length == 0 ? large : large.Prepend($"[{small}]"))})",
                };
            }
        }

        private bool Has(int rune) => ranges.Any(range => range.Low <= rune && rune <= range.High);

        private static bool IsWithoutCase(int low, int high)
        {
            // The range of everything beyond ASCII contains both cases of each of its letters.
            if (low == 0x80 && high == 0x10FFFF)
                return true;
            if (high - low > 0x100)
                return false;
            for (var value = low; value <= high; value++)
                if (value is not (LongS or Kelvin) && Rune.TryCreate(value, out var rune)
                    && (Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
                        or UnicodeCategory.TitlecaseLetter
                        || Rune.ToUpperInvariant(rune) != rune || Rune.ToLowerInvariant(rune) != rune))
                    return false;
            return true;
        }

        private static string Unit(int unit) => $"\\u{unit:X4}";

        private static int First(int rune) => 0xD800 + ((rune - 0x10000) >> 10);

        private static int Second(int rune) => 0xDC00 + (rune & 0x3FF);
    }
}
