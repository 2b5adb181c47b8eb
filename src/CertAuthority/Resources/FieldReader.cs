using System.Collections.Immutable;
using System.Globalization;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>
/// Reads one map of a text, field by field. Each field is taken once; <see cref="Done"/> then rejects the fields that were not taken, so
/// that no field is ever ignored.
/// </summary>
internal sealed class FieldReader
{
    private readonly ResourceNode.Map map;
    private readonly string path;
    private readonly Faults faults;
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);

    // The words for yes in people's files.
    private static readonly string[] Yes = ["true", "yes", "on"];
    private static readonly string[] No = ["false", "no", "off"];

    public FieldReader(ResourceNode.Map map, string path, Faults faults) => (this.map, this.path, this.faults) = (map, path, faults);

    /// <summary>Returns the map at the root of a document; null, with a fault, if the root is not a map.</summary>
    public static FieldReader? Root(ResourceNode document, Faults faults)
    {
        if (document is ResourceNode.Map map)
            return new FieldReader(map, "", faults);
        faults.Add(document, "a document starts with fields, such as kind: role");
        return null;
    }

    /// <summary>The entries as they are, for maps whose keys people choose.</summary>
    public IReadOnlyList<(ResourceNode.Scalar Key, ResourceNode Value)> Entries => map.Entries;

    public void Fault(string what) => faults.Add(map, what);

    public void Fault(ResourceNode at, string what) => faults.Add(at, what);

    public void Fault(string field, string what, NextStep? next = null) => faults.Add(Find(field) ?? map, what, next);

    /// <summary>Reads a nested map; an absent or empty one reads as a map without fields.</summary>
    public FieldReader Map(string field) => Take(field) switch
    {
        ResourceNode.Map nested => new FieldReader(nested, Full(field), faults),
        { } other => Wrong(other, field, "takes fields below it"),
        null => Empty(field),
    };

    /// <summary>Reads a text; null if the field is absent.</summary>
    public string? Text(string field)
    {
        var node = Take(field);
        if (node is ResourceNode.Scalar scalar)
            return scalar.Text;
        if (node is not null)
            faults.Add(node, $"{Full(field)} takes one value");
        return null;
    }

    /// <summary>Reads a text that must be present and not empty.</summary>
    public string Required(string field)
    {
        var text = Text(field) ?? "";
        if (text.Length == 0 && Find(field) is null or ResourceNode.Scalar)
            Fault(field, $"{Full(field)} is missing");
        return text;
    }

    /// <summary>Reads a list of texts; a single text is a list of one. Empty if absent.</summary>
    public ImmutableArray<(string Text, ResourceNode At)> Texts(string field) => Texts(Take(field), Full(field));

    /// <summary>
    /// Reads a list of texts. It rejects a list without items, which people could read as "all" or as something nobody has named.
    /// </summary>
    /// <param name="field">The name of the field.</param>
    /// <param name="absent">The meaning of leaving the field out.</param>
    public ImmutableArray<(string Text, ResourceNode At)> TextsUnlessEmpty(string field, string absent)
    {
        if (Peek(field) is ResourceNode.List { Items.Count: 0 } empty)
            faults.Add(empty, $"{Full(field)} is an empty list; leave it out for {absent}");
        return Texts(field);
    }

    /// <summary>Reads a duration; null if absent.</summary>
    public TimeSpan? Duration(string field)
    {
        if (Text(field) is not { } text)
            return null;
        // 0 means "unset" in people's files; any other bare number has no known unit.
        if (text == "0" || Durations.TryParse(text, out _))
            return text == "0" || !Durations.TryParse(text, out var duration) ? TimeSpan.Zero : duration;
        Fault(field, $"{Full(field)} takes a duration such as 1h, 30h0m0s or 90s");
        return null;
    }

    /// <summary>Reads a yes or no; no if absent.</summary>
    public bool Flag(string field)
    {
        if (Text(field) is not { } text)
            return false;
        if (IsYes(text) || IsNo(text))
            return IsYes(text);
        Fault(field, $"{Full(field)} takes true or false");
        return false;
    }

    /// <summary>Reads an instant in RFC 3339 format; null if absent.</summary>
    public DateTimeOffset? Instant(string field)
    {
        if (Text(field) is not { } text)
            return null;
        if (Instants.TryParse(text, out var instant))
            return instant;
        Fault(field, $"{Full(field)} takes a time such as 2027-01-31T18:00:00Z");
        return null;
    }

    /// <summary>Reads a list of maps; a single map is a list of one. Empty if absent.</summary>
    public IReadOnlyList<FieldReader> Maps(string field)
    {
        var maps = new List<FieldReader>();
        foreach (var item in Take(field) switch { null => [], ResourceNode.List list => list.Items, var alone => [alone] })
            if (item is ResourceNode.Map each)
                maps.Add(new FieldReader(each, Full(field), faults));
            else
                faults.Add(item, $"{Full(field)} takes a list of fields");
        return maps;
    }

    /// <summary>Reads a duration within limits; null if absent.</summary>
    public TimeSpan? Duration(string field, TimeSpan least, TimeSpan most)
    {
        var duration = Duration(field);
        if (duration < least || duration > most)
            Fault(field, $"{Full(field)} takes a duration from {Durations.Show(least)} to {Durations.Show(most)}");
        return duration;
    }

    /// <summary>Reads a whole number within limits; null if absent.</summary>
    public int? Number(string field, int least, int most)
    {
        if (Text(field) is not { } text)
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        Fault(field, $"{Full(field)} takes a number from {least} to {most}");
        return null;
    }

    /// <summary>Reads a map from keys that people choose to texts.</summary>
    public ImmutableSortedDictionary<string, string> TextMap(string field)
    {
        var texts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in Map(field).Entries)
            if (value is not ResourceNode.Scalar { IsNull: false } scalar)
                faults.Add(value, $"{Full(field)}.{key.Text} takes one value");
            else if (!Names.IsPlainText(key.Text) || !Names.IsPlainText(scalar.Text))
                faults.Add(value, $"{Full(field)} takes plain text without control or invisible characters");
            else
                texts[key.Text] = scalar.Text;
        return texts.ToImmutable();
    }

    /// <summary>Reads a map from keys that people choose to lists of texts.</summary>
    public IReadOnlyList<(ResourceNode.Scalar Key, ImmutableArray<(string Text, ResourceNode At)> Values)> TextLists(string field)
    {
        var lists = new List<(ResourceNode.Scalar, ImmutableArray<(string, ResourceNode)>)>();
        foreach (var (key, value) in Map(field).Entries)
            if (Names.IsPlainText(key.Text))
                lists.Add((key, Texts(value, $"{Full(field)}.{key.Text}")));
            else
                faults.Add(key, $"{Full(field)} takes plain text without control or invisible characters");
        return lists;
    }

    /// <summary>
    /// Rejects fields that are known but have no effect here yet: a restriction that is not enforced must not look as if it were.
    /// </summary>
    public void NotYet(params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
            if (Peek(field) is { } node)
            {
                taken.Add(field);
                faults.Add(node, $"{Full(field)} is not yet supported");
            }
    }

    /// <summary>Takes fields that do not concern SSH logins: they are accepted, with a warning that they have no effect here.</summary>
    public void Elsewhere(params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
            if (Take(field) is { } node)
                faults.Warn(node, $"{Full(field)} is not about SSH logins and grants nothing here");
    }

    /// <summary>Rejects, or drops, a restriction that cannot be enforced here; a value that restricts nothing is accepted.</summary>
    /// <param name="field">The name of the field.</param>
    /// <param name="restrictsNothing">Returns whether a text restricts nothing; an empty text never restricts anything.</param>
    public void Unenforceable(string field, Func<string, bool> restrictsNothing)
    {
        switch (Take(field))
        {
            case null or ResourceNode.List { Items.Count: 0 } or ResourceNode.Map { Entries.Count: 0 }:
            case ResourceNode.Scalar scalar when scalar.Text.Length == 0 || restrictsNothing(scalar.Text):
                break;
            case { } node:
                faults.AddUnenforceable(node, Full(field));
                break;
        }
    }

    /// <summary>Rejects, or drops, fields of exported resources that change nothing here.</summary>
    public void Foreign(params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
            if (Take(field) is { } node
                and not (ResourceNode.List { Items.Count: 0 } or ResourceNode.Map { Entries.Count: 0 } or ResourceNode.Scalar { Text: "" }))
                if (faults.Drops)
                    faults.Warn(node, $"{Full(field)} was dropped: it means nothing here");
                else
                    faults.Add(
                        node, $"{Full(field)} means nothing here; take it out, or have it dropped", new NextStep.DropUnenforceable());
    }

    /// <summary>
    /// Rejects, or in an allow drops, a selecting field that cannot be evaluated here. Returns true if the field was dropped: the part that
    /// it narrowed must then grant nothing, because a drop never widens access. In a deny it is always rejected, because the rest of the
    /// deny would deny less.
    /// </summary>
    /// <param name="field">The name of the field.</param>
    /// <param name="deny">Whether the field belongs to a deny.</param>
    /// <param name="instead">What to write instead.</param>
    public bool DropsSelector(string field, bool deny, string instead) =>
        Take(field) is { } node
            and not (ResourceNode.List { Items.Count: 0 } or ResourceNode.Map { Entries.Count: 0 } or ResourceNode.Scalar { Text: "" })
            && DropsSelector(node, Full(field), deny, instead);

    /// <summary>Does the same for a value inside a field.</summary>
    public bool DropsSelector(ResourceNode at, string what, bool deny, string instead)
    {
        if (!deny && faults.Drops)
            faults.Warn(at, $"{what} was dropped, and what it selects is not granted; {instead}");
        else
            faults.Add(
                at,
                $"{what} cannot be evaluated here{(deny ? ", and the deny without it would deny less" : "")}; {instead}{(deny ? "" : ", or have it dropped")}", deny ? null : new NextStep.DropUnenforceable());
        return !deny && faults.Drops;
    }

    /// <summary>
    /// Rejects an expiry that is not enforced here: without it, the resource would never expire. The year 1 in exports is not an expiry.
    /// </summary>
    public void NoEnd(string field, string instead)
    {
        if (Text(field) is { } text && !text.StartsWith("0001-01-01", StringComparison.Ordinal))
            Fault(field, $"{Full(field)} is not kept here, and is not dropped, for nothing would end then; {instead}");
    }

    /// <summary>Rejects, or drops, a restriction that several fields form together.</summary>
    public void Unenforceable(string field) => faults.AddUnenforceable(Find(field) ?? map, Full(field));

    /// <summary>Returns whether a text means no.</summary>
    public static bool IsNo(string text) => No.Contains(text);

    /// <summary>Returns whether a text means yes.</summary>
    public static bool IsYes(string text) => Yes.Contains(text);

    /// <summary>Warns about a field that deserves a second look.</summary>
    public void Warn(string field, string what) => faults.Warn(Find(field) ?? map, what);

    /// <summary>Rejects every field that was not taken.</summary>
    public void Done()
    {
        foreach (var (key, _) in map.Entries)
            if (!taken.Contains(key.Text))
                faults.Add(key, path.Length == 0 ? $"there is no field \"{key.Text}\" here" : $"{path} has no field \"{key.Text}\"");
    }

    private ImmutableArray<(string Text, ResourceNode At)> Texts(ResourceNode? node, string full)
    {
        switch (node)
        {
            case null or ResourceNode.Scalar { IsNull: true }:
                return [];
            case ResourceNode.Scalar scalar:
                return [(scalar.Text, scalar)];
            case ResourceNode.List list:
                var texts = ImmutableArray.CreateBuilder<(string, ResourceNode)>();
                foreach (var item in list.Items)
                    if (item is ResourceNode.Scalar { IsNull: false } text)
                        texts.Add((text.Text, text));
                    else
                        faults.Add(item, $"{full} takes a list of texts");
                return texts.ToImmutable();
            default:
                faults.Add(node, $"{full} takes a list of texts");
                return [];
        }
    }

    private FieldReader Empty(string field) => new(new ResourceNode.Map([], map.At), Full(field), faults);

    private FieldReader Wrong(ResourceNode at, string field, string what)
    {
        faults.Add(at, $"{Full(field)} {what}");
        return Empty(field);
    }

    // A field without a value is absent.
    private ResourceNode? Take(string field)
    {
        taken.Add(field);
        return Peek(field);
    }

    private ResourceNode? Peek(string field) => Find(field) is { } node and not ResourceNode.Scalar { IsNull: true } ? node : null;

    private ResourceNode? Find(string field)
    {
        foreach (var (key, value) in map.Entries)
            if (key.Text == field)
                return value;
        return null;
    }

    /// <summary>Returns the name of a field in messages, including its path.</summary>
    public string Full(string field) => path.Length == 0 ? field : $"{path}.{field}";
}
