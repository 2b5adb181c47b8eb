using CertAuthority.Access.Notices;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Checks regularly how full the disk with the database is, and sends a notice when it fills up and when there is room again: one for each.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about it too.</param>
internal sealed class DiskWatch(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(10), ca.Clock)
{
    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) =>
        log.LogWarning("how full the disk is could not be told: {Why}", Printable.Escape(error.Message));

    protected internal override async Task Once(CancellationToken stopping)
    {
        var disk = Disks.Measure(ca.Now);
        var isTold = ca.Now.Database.Read(snapshot => snapshot.IsToldLow());
        // Sends no repeated notices while the value moves back and forth around the limit.
        if (disk.IsLow == isTold || (isTold && disk.Used > DiskStatus.Low - 2))
            return;
        var what = disk.IsLow ? NoticeEvents.DiskLow : NoticeEvents.DiskFine;
        if (disk.IsLow)
            log.LogWarning("{Disk}", disk.Describe());
        else
            log.LogInformation("{Disk}", disk.Describe());
        await ca.Now.Database.Commit(transaction =>
        {
            transaction.SetToldLow(disk.IsLow);
            transaction.TellOfDisk(what, disk, ca.Now.Now());
            return true;
        }, takesAway: true);
    }
}
