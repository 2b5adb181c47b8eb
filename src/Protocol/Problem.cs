using System.Text.Json.Serialization;

namespace CertAuthority.Protocol;

/// <summary>What can go wrong, as a closed set: programs tell errors apart by these, never by their text.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ProblemCode>))]
public enum ProblemCode
{
    /// <summary>The message is malformed or asks for something that cannot be (400).</summary>
    [JsonStringEnumMemberName("invalid")] Invalid,
    /// <summary>There is no such thing, or it is not the caller's; the two are not told apart (404).</summary>
    [JsonStringEnumMemberName("not_found")] NotFound,
    /// <summary>A rule forbids it (403).</summary>
    [JsonStringEnumMemberName("denied")] Denied,
    /// <summary>The roles grant no login at all, and a request could (403).</summary>
    [JsonStringEnumMemberName("no_login")] NoLogin,
    /// <summary>It does not fit the state of things: exists already, was changed or resolved meanwhile (409).</summary>
    [JsonStringEnumMemberName("conflict")] Conflict,
    /// <summary>Its time is over (410).</summary>
    [JsonStringEnumMemberName("expired")] Expired,
    /// <summary>Too much or too often (429).</summary>
    [JsonStringEnumMemberName("limited")] Limited,
    /// <summary>Nothing was changed; the same call may succeed later (503).</summary>
    [JsonStringEnumMemberName("unavailable")] Unavailable,
    /// <summary>A fault of the daemon; whether anything was changed is not known (500).</summary>
    [JsonStringEnumMemberName("internal")] Internal,
}

/// <summary>An error as it travels, <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Code">Which of the closed set.</param>
/// <param name="Detail">One sentence that is safe to show: lower case, no full stop.</param>
/// <param name="Hint">An explanation, where one helps. It names no command: <paramref name="Next"/> does that.</param>
/// <param name="Faults">
/// Where several things are wrong, each on its own, <c>file:line:column: what</c>; <paramref name="Detail"/> then sums up.
/// </param>
/// <param name="Next">What would help, the best first.</param>
/// <param name="Field">
/// The member of the request that is wrong, where it is one: <paramref name="Detail"/> begins with its name, which a program can show as
/// its own option.
/// </param>
public sealed record Problem(
    ProblemCode Code, string Detail, string? Hint = null, string[]? Faults = null, NextStep[]? Next = null, string? Field = null)
{
    /// <summary>The HTTP status that goes with the code.</summary>
    [JsonIgnore]
    public int Status => Code switch
    {
        ProblemCode.Invalid => 400,
        ProblemCode.Denied or ProblemCode.NoLogin => 403,
        ProblemCode.NotFound => 404,
        ProblemCode.Conflict => 409,
        ProblemCode.Expired => 410,
        ProblemCode.Limited => 429,
        ProblemCode.Unavailable => 503,
        _ => 500,
    };
}

/// <summary>A problem on its way to whoever asked.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    /// <summary>What to tell.</summary>
    public Problem Problem { get; } = problem;
}
