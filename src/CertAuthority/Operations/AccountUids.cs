namespace CertAuthority.Operations;

/// <summary>
/// The uids of accounts, each asked for once an operation. An operation asks for those it will need before its transaction:
/// a directory service may be slow, and other people's changes wait behind.
/// </summary>
/// <param name="uidOf">Asks the machine.</param>
internal sealed class AccountUids(Func<string, uint?> uidOf)
{
    private readonly Dictionary<string, uint?> known = new(StringComparer.Ordinal);

    public uint? Of(string account) => known.TryGetValue(account, out var uid) ? uid : known[account] = uidOf(account);
}
