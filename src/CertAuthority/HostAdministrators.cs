using System.Collections.Immutable;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority;

/// <summary>Looks up which accounts administer this host, so that an approval can warn of a login that grants one of them.</summary>
/// <param name="names">Lists the accounts of the system.</param>
/// <param name="self">The uid of the daemon.</param>
/// <param name="log">Gets a line when the system does not answer.</param>
internal sealed class HostAdministrators(NameService names, uint self, ILogger log)
{
    /// <summary>Adds these accounts to the settings.</summary>
    /// <param name="settings">The settings; they name the administrators' accounts and groups.</param>
    /// <param name="before">
    /// The accounts found the last time. They are kept if the system does not answer: too many warnings are better than too few.
    /// </param>
    public async Task<SettingsInForce> Under(Settings settings, ImmutableHashSet<string> before)
    {
        var privileged = settings.Administrators.Users.Add("root");
        try
        {
            if (await names.AccountOf(self, Asker.Administrator) is { } account)
                privileged = privileged.Add(account);
            foreach (var group in settings.Administrators.Groups)
                privileged = privileged.Union(await names.MembersOf(group, Asker.Administrator) ?? []);
        }
        catch (NameServiceException e)
        {
            privileged = privileged.Union(before);
            log.LogWarning("approvals may not warn of each login that administers this host: {Why}", Printable.Escape(e.Message));
        }
        return new SettingsInForce(settings, privileged);
    }
}
