using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;

namespace CertAuthority.Api;

/// <summary>
/// What a call works on and who may call, both from one reading of the settings, so that a reload changes no call halfway.
/// </summary>
/// <param name="ca">What operations work on.</param>
/// <param name="settings">Who administers, and the limits of the site.</param>
/// <param name="self">The uid of the daemon.</param>
/// <param name="names">Says which account has a uid.</param>
internal sealed class Serving(CurrentAuthority ca, CurrentSettings settings, uint self, NameService names)
{
    /// <summary>The clock, which no reload changes.</summary>
    public TimeProvider Clock => ca.Clock;

    /// <summary>Taken once at the start of each call.</summary>
    public (Authority Authority, Callers Callers) Now()
    {
        var taken = settings.Now;
        return (ca.Under(taken), new Callers(self, taken.Settings.Administrators, taken.Settings.AdministratorGroups, names));
    }
}
