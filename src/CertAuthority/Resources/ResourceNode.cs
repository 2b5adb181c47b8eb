using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>A position in a text, as messages show it. It includes the file, because one configuration can come from several.</summary>
/// <param name="File">The name of the text.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column, from 1.</param>
internal readonly record struct Mark(string File, int Line, int Column)
{
    public override string ToString() => $"{File}:{Line}:{Column}";
}

/// <summary>
/// A YAML or JSON value that knows its position. Every scalar is text: the reader of a field decides what <c>no</c>, <c>0777</c> and
/// <c>1h</c> mean.
/// </summary>
internal abstract record ResourceNode(Mark At)
{
    internal sealed record Scalar(string Text, bool IsNull, Mark At) : ResourceNode(At);

    internal sealed record List(IReadOnlyList<ResourceNode> Items, Mark At) : ResourceNode(At);

    /// <summary>A map. Keys are unique: the parsers reject a second one.</summary>
    internal sealed record Map(IReadOnlyList<(Scalar Key, ResourceNode Value)> Entries, Mark At) : ResourceNode(At);
}

/// <summary>
/// Collects the faults of a text with their positions, and warnings. All of them are reported at once, up to a number that a person can
/// use.
/// </summary>
/// <param name="file">The name of the text in messages.</param>
/// <param name="dropsUnenforceable">
/// Whether restrictions that cannot be enforced here are left out with a warning instead of rejected.
/// </param>
internal sealed class Faults(string file, bool dropsUnenforceable = false)
{
    private const int Most = 100;

    private readonly List<string> lines = [];
    private readonly List<string> warnings = [];
    private readonly List<NextStep> next = [];

    public bool Any => lines.Count > 0;

    public string[] Lines => IsFull ? [.. lines.Take(Most), $"{file}: there are more faults; mend these first"] : [.. lines];

    /// <summary>Whether there are more faults than are reported, so that searching for more is pointless.</summary>
    public bool IsFull => lines.Count > Most;

    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>The steps that would help against the faults, without duplicates; null if only editing the text helps.</summary>
    public NextStep[]? Next => next.Count == 0 ? null : [.. next.Distinct()];

    public void Add(ResourceNode at, string what, NextStep? help = null)
    {
        Add(at.At, what);
        if (help is not null)
            next.Add(help);
    }

    public void Add(int line, int column, string what) => Add(Mark(line, column), what);

    public void Add(Mark at, string what)
    {
        if (!IsFull)
            lines.Add($"{at}: {what}");
    }

    public void Warn(ResourceNode at, string what) => warnings.Add($"{at.At}: {what}");

    /// <summary>Creates a position in the text.</summary>
    public Mark Mark(int line, int column) => new(file, line, column);

    /// <summary>Whether parts that cannot be enforced, or mean nothing here, are left out.</summary>
    public bool Drops => dropsUnenforceable;

    public void AddUnenforceable(ResourceNode at, string field)
    {
        if (dropsUnenforceable)
            Warn(at, $"{field} was dropped: nobody here can enforce it");
        else
            Add(at, $"{field} cannot be enforced here; take it out, or have it dropped", new NextStep.DropUnenforceable());
    }
}
