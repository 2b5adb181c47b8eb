using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>A place in a text, as messages name it. It has the file too, because one configuration can come from several.</summary>
/// <param name="File">The name of the text.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
internal readonly record struct Mark(string File, int Line, int Column)
{
    public override string ToString() => $"{File}:{Line}:{Column}";
}

/// <summary>
/// A YAML or JSON value that still knows its place. Every scalar is text: <c>no</c>, <c>0777</c> and <c>1h</c> mean what the reader of a
/// field says.
/// </summary>
internal abstract record ResourceNode(Mark At)
{
    internal sealed record Scalar(string Text, bool IsNull, Mark At) : ResourceNode(At);

    internal sealed record List(IReadOnlyList<ResourceNode> Items, Mark At) : ResourceNode(At);

    /// <summary>Keys are unique: the parsers refuse a second one.</summary>
    internal sealed record Map(IReadOnlyList<(Scalar Key, ResourceNode Value)> Entries, Mark At) : ResourceNode(At);
}

/// <summary>
/// Where each thing that is wrong with a text stands, and what deserves a second look. All of them are told at once, up to what a person
/// can use.
/// </summary>
/// <param name="file">What the text is called.</param>
/// <param name="dropsUnenforceable">
/// Whether restrictions that cannot be enforced here are left out, and said so, instead of refused.
/// </param>
internal sealed class Faults(string file, bool dropsUnenforceable = false)
{
    private const int Most = 100;

    private readonly List<string> lines = [];
    private readonly List<string> warnings = [];
    private readonly List<NextStep> next = [];

    public bool Any => lines.Count > 0;

    public string[] Lines => IsFull ? [.. lines.Take(Most), $"{file}: there are more faults; mend these first"] : [.. lines];

    /// <summary>Whether there are more than anybody is told of, so that looking for others is in vain.</summary>
    public bool IsFull => lines.Count > Most;

    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>What would help against the faults, each once; null for nothing but mending them.</summary>
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

    /// <summary>A place in the text.</summary>
    public Mark Mark(int line, int column) => new(file, line, column);

    /// <summary>Whether what cannot be enforced, or means nothing here, is left out.</summary>
    public bool Drops => dropsUnenforceable;

    public void AddUnenforceable(ResourceNode at, string field)
    {
        if (dropsUnenforceable)
            Warn(at, $"{field} was dropped: nobody here can enforce it");
        else
            Add(at, $"{field} cannot be enforced here; take it out, or have it dropped", new NextStep.DropUnenforceable());
    }
}
