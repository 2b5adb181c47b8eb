using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace CertAuthority.Access.Values;

/// <summary>The kind of a refusal, for programs.</summary>
public enum RefusalKind
{
    /// <summary>A rule forbids it.</summary>
    Denied,

    /// <summary>The roles in use grant no login, but a request could.</summary>
    NoLogin,

    /// <summary>The input is not valid.</summary>
    Invalid,

    /// <summary>It conflicts with the current state.</summary>
    Conflict,

    /// <summary>It has expired.</summary>
    Expired,

    /// <summary>It exceeds a limit.</summary>
    Limited,

    /// <summary>It cannot be decided now.</summary>
    Unavailable,
}

/// <summary>
/// The reason why a decision went against the caller. The rules do not know which program asks, so the remedy is data, never a command.
/// </summary>
/// <param name="Message">A sentence that is safe to show.</param>
/// <param name="Hint">An explanation, if one helps.</param>
/// <param name="Kind">The kind of the refusal.</param>
public sealed record Refusal(string Message, string? Hint = null, RefusalKind Kind = RefusalKind.Denied)
{
    /// <summary>What would help; null if nobody can do anything.</summary>
    public Remedy? Remedy { get; init; }

    /// <summary>A name that does not exist, and those that the caller may know and could have meant; null if there is none.</summary>
    public Misspelling? Misspelt { get; init; }

    /// <summary>
    /// The name of the one invalid value in the question; <see cref="Message"/> begins with it. Null if the fault is not in a single value.
    /// </summary>
    public string? Field { get; init; }

    /// <summary>Creates a refusal for one invalid value in the question.</summary>
    /// <param name="field">The name of the value, such as <c>session_ttl</c>.</param>
    /// <param name="fault">What is wrong with the value, in words that follow the name.</param>
    public static Refusal Of(string field, string fault) => new($"{field} {fault}", Kind: RefusalKind.Invalid) { Field = field };
}

/// <summary>
/// A name that does not exist, and the names that the caller may know and could have meant. Two with the same names are equal.
/// </summary>
/// <param name="Name">The name.</param>
/// <param name="Known">The known names.</param>
public sealed record Misspelling(string Name, ImmutableArray<string> Known)
{
    /// <inheritdoc/>
    public bool Equals(Misspelling? other) => other is not null && other.Name == Name && other.Known.SequenceEqual(Known);

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}

/// <summary>The result of a decision: either a value or a refusal, never both and never neither.</summary>
public readonly struct Outcome<T> where T : class
{
    private readonly T? value;
    private readonly Refusal? refusal;

    private Outcome(T? value, Refusal? refusal)
    {
        this.value = value;
        this.refusal = refusal;
    }

    /// <summary>Returns true if the decision is a value; otherwise <paramref name="refusal"/> says why not.</summary>
    public bool Holds([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal? refusal)
    {
        value = this.value;
        // default(Outcome<T>) contains neither value nor refusal; it must not count as a grant.
        refusal = this.value is null ? this.refusal ?? new Refusal("no decision was made") : null;
        return value is not null;
    }

    /// <summary>The decision went for the caller.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, null);

    /// <summary>The decision went against the caller.</summary>
    public static implicit operator Outcome<T>(Refusal refusal) => new(null, refusal);
}
