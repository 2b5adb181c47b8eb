using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What every operation works on.</summary>
/// <param name="Database">The store.</param>
/// <param name="Clock">Each operation reads it once.</param>
/// <param name="UserCa">Signs user certificates.</param>
/// <param name="HostCa">Signs host certificates.</param>
/// <param name="Krl">The revocation list.</param>
/// <param name="Watch">Who waits for which request.</param>
/// <param name="Logins">Who has tried to log in how often.</param>
/// <param name="Refusals">Who was refused how often.</param>
/// <param name="Limits">The bounds of the site.</param>
/// <param name="PrivilegedLogins">Accounts of this host that administer: who can enter it as one of them can change every role.</param>
internal sealed record Authority(
    Database Database,
    SteadyClock Clock,
    CaKey UserCa,
    CaKey HostCa,
    KrlPublisher Krl,
    RequestWatch Watch,
    RateLimit<uint> Logins,
    RefusalLimit Refusals,
    SiteLimits Limits,
    ImmutableHashSet<string> PrivilegedLogins)
{
    /// <summary>What records name the key of <see cref="UserCa"/> by.</summary>
    public required long UserCaId { get; init; }

    /// <summary>Which groups make users.</summary>
    public UsersFromGroups UsersFromGroups { get; init; } = UsersFromGroups.None;

    /// <summary>Writes to hosts.</summary>
    public required HostPush Push { get; init; }

    /// <summary>Who is in which groups.</summary>
    public required Groups Groups { get; init; }

    /// <summary>The uids of the accounts of users: by them several users are told to be one person.</summary>
    public required UidBook Uids { get; init; }

    /// <summary>Which of this authority's own keys a key is: <c>user CA key</c>; null for none of them.</summary>
    public string? Owns(PublicKey key) =>
        key == UserCa.PublicKey ? "user CA key" : key == HostCa.PublicKey ? "host CA key" : key == Push.SyncCa ? "sync CA key" : null;

    /// <summary>Now, in the whole seconds that certificates and records count in.</summary>
    public DateTimeOffset Now() => DateTimeOffset.FromUnixTimeSeconds(Clock.GetUtcNow().ToUnixTimeSeconds());
}

/// <summary>From verdicts to the answer for the caller.</summary>
internal static class Problems
{
    /// <summary>The value, or the refusal on its way to the caller.</summary>
    public static T OrRefuse<T>(this Outcome<T> outcome) where T : class =>
        outcome.Holds(out var value, out var refusal) ? value : throw Refused(refusal);

    public static ProblemException Refused(Refusal refusal) => new(From(refusal));

    /// <summary>A refusal as it travels.</summary>
    public static Problem From(Refusal refusal) => new(
        refusal.Kind switch
        {
            RefusalKind.NoLogin => ProblemCode.NoLogin,
            RefusalKind.Invalid => ProblemCode.Invalid,
            RefusalKind.Conflict => ProblemCode.Conflict,
            RefusalKind.Expired => ProblemCode.Expired,
            RefusalKind.Limited => ProblemCode.Limited,
            RefusalKind.Unavailable => ProblemCode.Unavailable,
            _ => ProblemCode.Denied,
        },
        refusal.Message,
        refusal.Hint,
        Next: refusal.Remedy is { } remedy ? [NextSteps.From(remedy)] : null,
        Field: refusal.Field);

    /// <summary>The user as whom the caller acts.</summary>
    public static User ActingUser(this Snapshot snapshot, Caller caller, string? asked) =>
        caller.Identity.ActAs(snapshot.UsersOf(caller.Identity), asked, caller.NoGroups).OrRefuse();

    /// <summary>A duration as people write it.</summary>
    public static TimeSpan Duration(string field, string text) =>
        Durations.TryParseWish(text, out var duration)
            ? duration
            : throw InvalidField(field, $"takes a duration such as 1h, 30h0m0s or 90s, not \"{text}\"");

    /// <summary>An instant as people write it.</summary>
    public static DateTimeOffset Instant(string field, string text) =>
        Instants.TryParse(text, out var instant)
            ? instant
            : throw InvalidField(field, $"takes a time such as 2027-01-31T18:00:00Z, not \"{text}\"");

    /// <summary>A key to certify, as people give it: one that has an owner, who is not this authority.</summary>
    public static PublicKey Key(Authority ca, string line)
    {
        try
        {
            var key = PublicKey.ParseLine(line);
            return ca.Owns(key) is { } own ? throw Invalid($"the key cannot be certified: it is the {own} of this authority") : key;
        }
        catch (SshFormatException malformed)
        {
            throw Invalid($"the key cannot be certified: {malformed.Message}");
        }
    }

    public static ProblemException Invalid(string detail, string? hint = null, params NextStep[] next) =>
        new(new Problem(ProblemCode.Invalid, detail, hint, Next: next is [] ? null : next));

    /// <summary>One member of the request cannot be.</summary>
    /// <param name="field">Its name in the message.</param>
    /// <param name="fault">What is wrong with it, in words that follow the name.</param>
    public static ProblemException InvalidField(string field, string fault) =>
        new(new Problem(ProblemCode.Invalid, $"{field} {fault}", Field: field));

    /// <summary>There is nothing of that name, and a list shows what there is.</summary>
    public static ProblemException NotFound(string detail, string kind) =>
        new(new Problem(ProblemCode.NotFound, detail, Next: [new NextStep.List(kind)]));
}
