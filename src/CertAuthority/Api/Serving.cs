using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;

namespace CertAuthority.Api;

/// <summary>
/// The authority and the callers of a call. Both come from one reading of the settings, so that a reload never changes a call halfway.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The administrators, the readers and the limits of the site.</param>
/// <param name="self">The uid of the daemon.</param>
/// <param name="names">Finds the account of a uid.</param>
internal sealed class Serving(CurrentAuthority ca, CurrentSettings settings, uint self, NameService names)
{
    /// <summary>The clock, which no reload changes.</summary>
    public TimeProvider Clock => ca.Clock;

    /// <summary>Returns the current authority and callers; each call takes them once, at its start.</summary>
    public (Authority Authority, Callers Callers) Now()
    {
        var taken = settings.Now;
        var authority = ca.Under(taken);
        return (authority, new Callers(self, taken.Settings, names)
        {
            Realm = authority.Database.Realm,
            IsOtherRealm = authority.Database.HasRealm,
        });
    }
}
