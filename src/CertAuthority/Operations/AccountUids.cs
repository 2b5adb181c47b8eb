using CertAuthority.Linux;

namespace CertAuthority.Operations;

/// <summary>
/// The uids of accounts, each asked for once an operation. An operation asks for those it will need before its transaction:
/// a directory service may be slow, and other people's changes wait behind.
/// </summary>
internal sealed class AccountUids
{
    private readonly Dictionary<string, uint?> known = new(StringComparer.Ordinal);

    public uint? Of(string account) => known.TryGetValue(account, out var uid) ? uid : known[account] = Accounts.UidOf(account);
}
