using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Roles, users, nodes and requests in as few words as a case needs.</summary>
internal static class Sample
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly UnixIdentity AliceAtHerDesk = new(5001, "alice");

    public static Role Role(
        string name,
        string[]? logins = null,
        LabelSelector? on = null,
        string[]? mayRequest = null,
        string[]? denyLogins = null,
        LabelSelector? denyOn = null,
        string[]? mayNotRequest = null,
        TimeSpan? ttl = null) =>
        new(
            Guid.NewGuid(), name, "v8", 1, "", ImmutableSortedDictionary<string, string>.Empty, Expires: null,
            new RoleConditions(Logins(logins ?? []), on ?? LabelSelector.None, Patterns(mayRequest)),
            new RoleConditions(Logins(denyLogins ?? []), denyOn ?? LabelSelector.None, Patterns(mayNotRequest)),
            new RoleOptions { MaxSessionTtl = ttl });

    /// <summary>Logins, or templates of them.</summary>
    public static ImmutableArray<Template> Logins(params string[] texts) =>
        [.. texts.Select(text => Template.TryParse(text, out var fault) ?? throw new FormatException(fault))];

    public static Role Lasting(this Role role, TimeSpan? ttl) => role with { Options = role.Options with { MaxSessionTtl = ttl } };

    /// <summary>As they count where every login is literal, however odd.</summary>
    public static RoleInUse[] InUse(params Role[] roles) =>
        [.. roles.Select(role => new RoleInUse(role, Literal(role.Allow.Logins), Literal(role.Deny.Logins), ImmutableSortedDictionary<string, string>.Empty))];

    private static ImmutableArray<FilledIn> Literal(ImmutableArray<Template> entries) => [.. entries.Select(entry => new FilledIn(entry, [entry.Text]))];

    /// <summary>Entries as <c>env=prod,staging</c>.</summary>
    public static LabelSelector Where(params string[] entries) =>
        new(entries.Select(entry => entry.Split('=', 2)).ToImmutableSortedDictionary(entry => entry[0], entry => Patterns(entry[1].Split(',')), StringComparer.Ordinal));

    public static Node Node(string name, params string[] labels) => new(Guid.NewGuid(), name, 1, $"{name}.example.com:22", Labels(labels));

    public static ImmutableSortedDictionary<string, string> Labels(params string[] labels) =>
        labels.Select(label => label.Split('=', 2)).ToImmutableSortedDictionary(label => label[0], label => label[1], StringComparer.Ordinal);

    public static ImmutableSortedDictionary<string, Node> Nodes(params Node[] nodes) =>
        nodes.ToImmutableSortedDictionary(node => node.Name, node => node, StringComparer.Ordinal);

    /// <summary>That these are locked, until further notice: <c>user alice</c>.</summary>
    public static LocksInForce Locked(params string[] targets) => LocksInForce.At([.. targets.Select(target => Lock(target))], Now);

    public static AccessLock Lock(string target, string message = "", DateTimeOffset? expires = null) =>
        target.Split(' ') is [var kind, var name] ? new(Guid.NewGuid(), $"on-{kind}", 1, new LockTarget(Enum.Parse<LockKind>(kind, ignoreCase: true), name), message, expires) : throw new FormatException(target);

    public static User User(string name, params string[] roles) =>
        new(Guid.NewGuid(), name, 1, [.. roles], [UnixUser.Account(name)], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty);

    public static User OwnedBy(this User user, params string[] unixUsers) => user with { UnixUsers = [.. unixUsers.Select(text => UnixUser.TryParse(text)!.Value)] };

    public static Dictionary<string, Role> Roles(params Role[] roles) => roles.ToDictionary(role => role.Name);

    public static AccessRequest Request(User user, RequestState stored, params Role[] asked) =>
        new()
        {
            Id = Guid.NewGuid(),
            Revision = 1,
            UserId = user.Id,
            UserName = user.Name,
            CreatorUid = 5001,
            Roles = [.. asked.Select(role => role.Pin())],
            GrantedRoles = stored == RequestState.Approved ? [.. asked.Select(role => role.Pin())] : [],
            StoredState = stored,
            Created = Now.AddMinutes(-10),
            PendingUntil = Now.AddMinutes(30),
            AccessUntil = Now.AddMinutes(50),
            Reason = "",
            SuggestedReviewers = [],
            Resolution = stored == RequestState.Pending ? null : new RequestResolution("root", Now.AddMinutes(-5), ""),
            Terms = new AccessTerms(TimeSpan.FromHours(1), "role dba", RequestClock.Creation, SessionTtl: null, AssumeFrom: null, Shortened: []),
        };

    private static ImmutableArray<string> Texts(ImmutableArray<Template> logins) => [.. logins.Select(login => login.Text)];

    /// <summary>The certificate that a login asked for, without those beside it.</summary>
    public static Outcome<IssuanceGrant> Decide(IssuanceQuestion question) =>
        !IssuancePolicy.Decide(question).Holds(out var login, out var refusal) ? refusal : login.Grants is [var first, ..] ? first : new Refusal($"{login.LeftOut} logins are left out");

    public static T Granted<T>(this Outcome<T> outcome) where T : class =>
        outcome.Holds(out var value, out var refusal) ? value : throw new Xunit.Sdk.XunitException($"refused: {refusal.Message}");

    public static T Granted<T>(this Decided<T> decided) where T : class => decided.Outcome.Granted();

    public static Refusal Refused<T>(this Decided<T> decided) where T : class => decided.Outcome.Refused();

    public static Refusal Refused<T>(this Outcome<T> outcome) where T : class =>
        outcome.Holds(out var value, out var refusal) ? throw new Xunit.Sdk.XunitException($"not refused: {value}") : refusal;

    public static ImmutableArray<NamePattern> Patterns(params string[]? texts) =>
        [.. (texts ?? []).Select(text => NamePattern.TryParse(text, out var fault) ?? throw new FormatException(fault))];
}
