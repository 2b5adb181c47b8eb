namespace CertAuthority.Protocol;

/// <summary>Makes what lets hosts join by themselves.</summary>
/// <param name="Name">The name that a host may take, or a glob of names.</param>
/// <param name="Ttl">How long it lets them, up to 1d, with a host key up to 30d; 15m by default.</param>
/// <param name="Uses">How many hosts may join by it; only for several names, and necessary there.</param>
/// <param name="Labels">The labels of the nodes; null for none.</param>
/// <param name="Addresses">Globs of addresses, without a port, that are admitted without an administrator besides the name itself.</param>
/// <param name="Admit">Whether no administrator has to admit the hosts.</param>
/// <param name="HostKey">The fingerprint of a host key that takes the place of a secret; null for a secret.</param>
public sealed record CreateJoinToken(
    string Name, string? Ttl = null, int? Uses = null, Dictionary<string, string>? Labels = null, string[]? Addresses = null,
    bool Admit = false, string? HostKey = null);

/// <summary>A token that was made. Nobody is shown it again.</summary>
/// <param name="Token">What the host is given.</param>
/// <param name="Info">What it allows.</param>
/// <param name="Warnings">Why no host can join by it as things are now; null for nothing.</param>
public sealed record JoinTokenMade(string Token, JoinTokenInfo Info, string[]? Warnings = null);

/// <summary>What a token allows.</summary>
/// <param name="Id">Its public name.</param>
/// <param name="Name">The name that a host may take, or a glob of names.</param>
/// <param name="Uses">How many hosts may still join by it.</param>
/// <param name="Ends">The first instant at which it lets no host join.</param>
/// <param name="Labels">The labels of the nodes.</param>
/// <param name="Addresses">Globs of addresses that are admitted without an administrator besides the name itself.</param>
/// <param name="Admit">Whether no administrator has to admit the hosts.</param>
/// <param name="HostKey">The fingerprint of the host key that takes the place of a secret; null for a secret.</param>
public sealed record JoinTokenInfo(
    string Id, string Name, int Uses, DateTimeOffset Ends, Dictionary<string, string> Labels, string[] Addresses, bool Admit,
    string? HostKey = null);

/// <summary>Lists the tokens that have not ended.</summary>
public sealed record ListJoinTokens;

/// <summary>The tokens that have not ended.</summary>
/// <param name="Tokens">Sorted by ID.</param>
public sealed record JoinTokenList(JoinTokenInfo[] Tokens);

/// <summary>Ends a token.</summary>
/// <param name="Id">Its public name, or a prefix that no other token has.</param>
public sealed record EndJoinToken(string Id);

/// <summary>Lists the hosts that ask to join.</summary>
/// <param name="All">Whether to include those that were admitted or refused.</param>
public sealed record ListJoins(bool All = false);

/// <summary>The hosts that ask to join.</summary>
/// <param name="Joins">Sorted by name.</param>
public sealed record JoinList(JoinInfo[] Joins);

/// <summary>A host that asks to join.</summary>
/// <param name="Name">The name that it wants.</param>
/// <param name="State"><c>pending</c>, <c>admitted</c> or <c>refused</c>.</param>
/// <param name="Fingerprint">The fingerprint of its host key.</param>
/// <param name="Address">The address that it said.</param>
/// <param name="Labels">The labels, from the token.</param>
/// <param name="Asked">When it last asked, by its own clock.</param>
/// <param name="Token">The ID of the token.</param>
/// <param name="Note">Why an administrator has to look, or why it was refused; null for nothing.</param>
public sealed record JoinInfo(
    string Name, string State, string Fingerprint, string Address, Dictionary<string, string> Labels, DateTimeOffset Asked, string Token,
    string? Note = null);

/// <summary>Admits a host that waits to join.</summary>
/// <param name="Name">The name.</param>
/// <param name="Fingerprint">The fingerprint of the host key that is meant; null for whichever waits.</param>
public sealed record AdmitJoin(string Name, string? Fingerprint = null);

/// <summary>Refuses a host that waits to join.</summary>
/// <param name="Name">The name.</param>
/// <param name="Reason">Why; may be empty.</param>
public sealed record RefuseJoin(string Name, string Reason = "");
