namespace CertAuthority.Protocol;

/// <summary>Asks why a user can, or cannot, log in.</summary>
/// <param name="Name">The user.</param>
/// <param name="Login">As this login; null for any.</param>
/// <param name="Node">On this node; null for wherever the roles reach.</param>
/// <param name="Request">With this request, an id or a unique prefix; one that is pending counts as if it were approved now.</param>
public sealed record ExplainAccess(string Name, string? Login = null, string? Node = null, string? Request = null);

/// <summary>Why a user can, or cannot, log in.</summary>
/// <param name="Verdict">In one line, for people.</param>
/// <param name="Granted">The same for programs.</param>
/// <param name="Roles">Every role that the decision draws on.</param>
/// <param name="Assumes">What is not so yet, where the verdict takes it for granted.</param>
/// <param name="ValidBefore">When a certificate issued now would end.</param>
/// <param name="LimitedBy">The rule that sets this end.</param>
/// <param name="Locks">The locks that take something from it; null where there are none.</param>
public sealed record AccessExplained(
    string Verdict, bool Granted, RoleExplained[] Roles, string? Assumes = null, DateTimeOffset? ValidBefore = null,
    string? LimitedBy = null,
    LockExplained[]? Locks = null);

/// <summary>A role behind a verdict.</summary>
/// <param name="Role">Its name.</param>
/// <param name="Rules">Its rules that matter.</param>
/// <param name="Request">The request that adds it; null for an assigned one.</param>
public sealed record RoleExplained(string Role, RuleExplained[] Rules, string? Request = null);

/// <summary>One rule of a role.</summary>
/// <param name="Effect"><c>allows</c>, <c>misses</c>, <c>denies</c>, <c>limits</c> or <c>refuses</c>.</param>
/// <param name="Field">Where it stands: <c>allow.node_labels</c>.</param>
/// <param name="Entry">What it says: <c>env: prod</c>.</param>
/// <param name="Why">What that means here, for people.</param>
public sealed record RuleExplained(string Effect, string Field, string Entry, string Why);
