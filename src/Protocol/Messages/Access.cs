namespace CertAuthority.Protocol;

/// <summary>Asks why a user can, or cannot, log in.</summary>
/// <param name="Name">The name of the user.</param>
/// <param name="Login">The login in question; null for any.</param>
/// <param name="Node">The node in question; null for all nodes that the roles reach.</param>
/// <param name="Request">A request to use, as an ID or a unique prefix; a pending one counts as if it were approved now.</param>
public sealed record ExplainAccess(string Name, string? Login = null, string? Node = null, string? Request = null);

/// <summary>Asks why the caller can, or cannot, log in.</summary>
/// <param name="Login">The login in question; null for any.</param>
/// <param name="Node">The node in question; null for all nodes that the user can reach.</param>
/// <param name="Request">
/// A request of the user to use, as an ID or a unique prefix; a pending one counts as if it were approved now.
/// </param>
/// <param name="User">The user; null for the caller's only user.</param>
public sealed record ExplainMyAccess(string? Login = null, string? Node = null, string? Request = null, string? User = null);

/// <summary>Why a user can, or cannot, log in.</summary>
/// <param name="Verdict">The result in one line, for people.</param>
/// <param name="Granted">Whether the login is granted, for programs.</param>
/// <param name="Roles">Every role that the decision uses.</param>
/// <param name="Assumes">What the verdict assumes although it is not true yet.</param>
/// <param name="ValidBefore">When a certificate issued now would expire.</param>
/// <param name="LimitedBy">The rule that sets this end.</param>
/// <param name="Locks">The locks that take something away; null if there are none.</param>
/// <param name="Next">What would help a user who asks about themselves and gets a no; null otherwise.</param>
public sealed record AccessExplained(
    string Verdict, bool Granted, RoleExplained[] Roles, string? Assumes = null, DateTimeOffset? ValidBefore = null,
    string? LimitedBy = null, LockExplained[]? Locks = null, NextStep[]? Next = null);

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

/// <summary>Asks who can log in to a node, and who could request it.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Login">The login in question; null for any.</param>
public sealed record ListEntrants(string Name, string? Login = null);

/// <summary>Asks who can log in to every host that trusts the CA, enrolled or not.</summary>
/// <param name="Login">The login in question; null for any.</param>
public sealed record ListEntrantsEverywhere(string? Login = null);

/// <summary>Who can log in to a node, or to every host, and who could request it; both sorted by user.</summary>
/// <param name="Entrants">Each user with each way in: by their own roles, or by an approved request.</param>
/// <param name="Possible">Each user with each role that would open more to them, if a request for it were approved.</param>
/// <param name="Locks">The locks on the node or the login; null if there are none.</param>
public sealed record EntrantList(Entrant[] Entrants, PossibleEntrant[] Possible, LockExplained[]? Locks = null);

/// <summary>One way of a user into a node, or into every host.</summary>
/// <param name="User">The name of the user.</param>
/// <param name="Logins">The logins; at least one.</param>
/// <param name="Request">The ID of the approved request that opens them; null for the user's own roles.</param>
/// <param name="Until">When the access of the request ends.</param>
public sealed record Entrant(string User, EntrantLogin[] Logins, string? Request = null, DateTimeOffset? Until = null);

/// <summary>A login that is open to a user.</summary>
/// <param name="Login">The login.</param>
/// <param name="Roles">The names of the roles that allow it.</param>
/// <param name="Conditions">The conditions of each session, for people; null for none.</param>
public sealed record EntrantLogin(string Login, string[] Roles, string? Conditions = null);

/// <summary>A user who could request access to a node.</summary>
/// <param name="User">The name of the user.</param>
/// <param name="Role">The role that would open it.</param>
/// <param name="Logins">The logins that the role would add there.</param>
/// <param name="Resource">The node, <c>node/NAME</c>, if the user can request the role only for nodes by name.</param>
public sealed record PossibleEntrant(string User, string Role, string[] Logins, string? Resource = null);
