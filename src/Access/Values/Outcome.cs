using System.Diagnostics.CodeAnalysis;

namespace CertAuthority.Access.Values;

/// <summary>What kind of refusal it is, for programs.</summary>
public enum RefusalKind
{
    /// <summary>A rule forbids it.</summary>
    Denied,

    /// <summary>The roles in use grant no login, and a request could.</summary>
    NoLogin,

    /// <summary>What was said cannot be.</summary>
    Invalid,

    /// <summary>It does not fit the state of things.</summary>
    Conflict,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It is too much.</summary>
    Limited,

    /// <summary>It cannot be decided now.</summary>
    Unavailable,
}

/// <summary>
/// Why a decision went against the caller. The rules do not know which program asks, so what would help is data, never a command.
/// </summary>
/// <param name="Message">A sentence that is safe to show.</param>
/// <param name="Hint">An explanation, where one helps.</param>
/// <param name="Kind">What kind of refusal it is.</param>
public sealed record Refusal(string Message, string? Hint = null, RefusalKind Kind = RefusalKind.Denied)
{
    /// <summary>What would help; null for nothing that anybody could do.</summary>
    public Remedy? Remedy { get; init; }

    /// <summary>
    /// The name of the one value in the question that is wrong; <see cref="Message"/> begins with it. Null if it is not one value.
    /// </summary>
    public string? Field { get; init; }

    /// <summary>One value of the question cannot be.</summary>
    /// <param name="field">Its name, such as <c>session_ttl</c>.</param>
    /// <param name="fault">What is wrong with it, in words that follow the name.</param>
    public static Refusal Of(string field, string fault) => new($"{field} {fault}", Kind: RefusalKind.Invalid) { Field = field };
}

/// <summary>The verdict of a decision: a value, or the refusal that stands in its place. Never both, never neither.</summary>
public readonly struct Outcome<T> where T : class
{
    private readonly T? value;
    private readonly Refusal? refusal;

    private Outcome(T? value, Refusal? refusal)
    {
        this.value = value;
        this.refusal = refusal;
    }

    /// <summary>True when the decision is a value; otherwise <paramref name="refusal"/> says why not.</summary>
    public bool Holds([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal? refusal)
    {
        value = this.value;
        // default(Outcome<T>) holds neither; it must not read as a grant.
        refusal = this.value is null ? this.refusal ?? new Refusal("no decision was made") : null;
        return value is not null;
    }

    /// <summary>The decision went for the caller.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, null);

    /// <summary>The decision went against the caller.</summary>
    public static implicit operator Outcome<T>(Refusal refusal) => new(null, refusal);
}
