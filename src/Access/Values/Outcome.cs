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

/// <summary>Why a decision went against the caller: a sentence that is safe to show and, where one helps, what to do next.</summary>
public sealed record Refusal(string Message, string? Hint = null, RefusalKind Kind = RefusalKind.Denied);

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
