namespace CertAuthority.Protocol;

/// <summary>Asks why a user can, or cannot, log in.</summary>
/// <param name="Name">The name of the user.</param>
/// <param name="Login">The login in question; null for any.</param>
/// <param name="Node">The node in question; null for all nodes that the roles reach.</param>
/// <param name="Request">A request to use, as an ID or a unique prefix; a pending one counts as if it were approved now.</param>
public sealed record ExplainAccess(string Name, string? Login = null, string? Node = null, string? Request = null);

/// <summary>Why a user can, or cannot, log in.</summary>
/// <param name="Verdict">The result in one line, for people.</param>
/// <param name="Granted">Whether the login is granted, for programs.</param>
/// <param name="Roles">Every role that the decision uses.</param>
/// <param name="Assumes">What the verdict assumes although it is not true yet.</param>
/// <param name="ValidBefore">When a certificate issued now would expire.</param>
/// <param name="LimitedBy">The rule that sets this end.</param>
/// <param name="Locks">The locks that take something away; null if there are none.</param>
public sealed record AccessExplained(
    string Verdict, bool Granted, RoleExplained[] Roles, string? Assumes = null, DateTimeOffset? ValidBefore = null,
    string? LimitedBy = null,
    LockExplained[]? Locks = null);

/// <summary>A role behind a verdict.</summary>
/// <param name="Role">The name of the role.</param>
/// <param name="Rules">The relevant rules of the role.</param>
/// <param name="Request">The request that adds it; null for an assigned one.</param>
public sealed record RoleExplained(string Role, RuleExplained[] Rules, string? Request = null);

/// <summary>One rule of a role.</summary>
/// <param name="Effect"><c>allows</c>, <c>misses</c>, <c>denies</c>, <c>limits</c> or <c>refuses</c>.</param>
/// <param name="Field">The field that contains the rule: <c>allow.node_labels</c>.</param>
/// <param name="Entry">The content of the field: <c>env: prod</c>.</param>
/// <param name="Why">The meaning of the rule here, for people.</param>
public sealed record RuleExplained(string Effect, string Field, string Entry, string Why);
