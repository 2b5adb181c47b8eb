using System.Text.Json.Serialization;

namespace CertAuthority.Protocol;

/// <summary>The kinds of errors, as a closed set: programs distinguish errors by these, never by their text.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ProblemCode>))]
public enum ProblemCode
{
    /// <summary>The message is malformed or asks for something impossible (400).</summary>
    [JsonStringEnumMemberName("invalid")] Invalid,
    /// <summary>It does not exist, or does not belong to the caller; the answer is the same for both (404).</summary>
    [JsonStringEnumMemberName("not_found")] NotFound,
    /// <summary>A rule forbids it (403).</summary>
    [JsonStringEnumMemberName("denied")] Denied,
    /// <summary>The roles grant no login at all, but a request could (403).</summary>
    [JsonStringEnumMemberName("no_login")] NoLogin,
    /// <summary>It conflicts with the current state: it exists already, or was changed or resolved in the meantime (409).</summary>
    [JsonStringEnumMemberName("conflict")] Conflict,
    /// <summary>It has expired (410).</summary>
    [JsonStringEnumMemberName("expired")] Expired,
    /// <summary>It exceeds a size or rate limit (429).</summary>
    [JsonStringEnumMemberName("limited")] Limited,
    /// <summary>Nothing was changed; the same call may succeed later (503).</summary>
    [JsonStringEnumMemberName("unavailable")] Unavailable,
    /// <summary>Nothing was done: of several daemons on one database, another one does this alone (421).</summary>
    [JsonStringEnumMemberName("elsewhere")] Elsewhere,
    /// <summary>A fault of the daemon; whether anything was changed is unknown (500).</summary>
    [JsonStringEnumMemberName("internal")] Internal,
}

/// <summary>An error in an answer, <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Code">The kind of error.</param>
/// <param name="Detail">One sentence that is safe to show: lower case, no full stop.</param>
/// <param name="Hint">An explanation, if one helps. It contains no command: <paramref name="Next"/> does.</param>
/// <param name="Faults">
/// The separate faults if there are several, each <c>file:line:column: what</c>; <paramref name="Detail"/> is then a summary.
/// </param>
/// <param name="Next">What would help, the best first.</param>
/// <param name="Field">
/// The member of the request that is wrong, if it is a single one: <paramref name="Detail"/> begins with its name, which a program can
/// replace by its own option.
/// </param>
public sealed record Problem(
    ProblemCode Code, string Detail, string? Hint = null, string[]? Faults = null, NextStep[]? Next = null, string? Field = null)
{
    /// <summary>The HTTP status for the code.</summary>
    [JsonIgnore]
    public int Status => Code switch
    {
        ProblemCode.Invalid => 400,
        ProblemCode.Denied or ProblemCode.NoLogin => 403,
        ProblemCode.NotFound => 404,
        ProblemCode.Conflict => 409,
        ProblemCode.Expired => 410,
        ProblemCode.Limited => 429,
        ProblemCode.Elsewhere => 421,
        ProblemCode.Unavailable => 503,
        _ => 500,
    };
}

/// <summary>Thrown to report a problem to the caller.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    /// <summary>The problem to report.</summary>
    public Problem Problem { get; } = problem;
}
