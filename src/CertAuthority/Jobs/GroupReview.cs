using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>Checks regularly who is still in the groups that make users: an account that left them may never call again.</summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class GroupReview(CurrentAuthority ca, ILogger log) : Loop
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(3);

    private readonly SemaphoreSlim wanted = new(0);

    /// <inheritdoc/>
    public override TimeSpan? Interval => Every;

    /// <summary>Makes it check now.</summary>
    public void Look() => wanted.Release();

    public override void Dispose()
    {
        base.Dispose();
        wanted.Dispose();
    }

    /// <summary>Checks once at the start, then every few minutes, and whenever it is asked to.</summary>
    protected override async Task Run(CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                if (await Groups.Absent(ca.Now.UsersFromGroups.Groups) is { } absent)
                    log.LogWarning(
                        "users_from_groups gives nothing to anybody now, and takes nothing away: {Why}", Printable.Escape(absent));
                var unknown = await GroupUsers.Review(ca.Now, stopping);
                if (unknown is [var (account, why), ..])
                    log.LogWarning(
                        "the groups of {Count} users are not known, and what they hold stays as it is; of {Account}: {Why}", unknown.Count,
                        Printable.Escape(account), Printable.Escape(why));
            }
            catch (Exception e) when (Periodic.IsPassing(e))
            {
                log.LogWarning("users could not be compared with their groups: {Why}", Printable.Escape(e.Message));
            }
            Turned();
            await wanted.WaitAsync(Every, stopping);
        }
    }
}
