// For tests: what tools of macOS printed on real Macs, from public issues and tests; lines that nothing reads are left out.

/** `sysctl hw machdep` of a MacBook Pro with 8 + 4 cores: https://github.com/archspec/archspec/issues/201 */
export const SYSCTL_M4 = `hw.ncpu: 12
hw.byteorder: 1234
hw.memsize: 25769803776
hw.activecpu: 12
hw.perflevel0.physicalcpu: 8
hw.perflevel0.physicalcpu_max: 8
hw.perflevel0.logicalcpu: 8
hw.perflevel0.logicalcpu_max: 8
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.cpusperl2: 4
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.perflevel1.physicalcpu_max: 4
hw.perflevel1.logicalcpu: 4
hw.perflevel1.logicalcpu_max: 4
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 4
hw.perflevel1.name: Efficiency
hw.optional.arm.FEAT_FHM: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_SPECRES: 0
`;

/** `sysctl -a` of an M1 Pro, where levels had no names yet: https://github.com/Dr-Noob/cpufetch/issues/139 */
export const SYSCTL_M1_PRO = `hw.ncpu: 10
hw.activecpu: 10
hw.perflevel1.cpusperl2: 2
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.logicalcpu: 2
hw.perflevel1.physicalcpu: 2
hw.perflevel0.cpusperl2: 4
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l2cachesize: 12582912
hw.perflevel0.logicalcpu: 8
hw.perflevel0.physicalcpu: 8
`;

/** A runner of GitHub Actions: https://github.com/yorickdowne/get-macos-runner-hardware/pull/1; the last five lines follow from the others and are added. */
export const SYSCTL_VIRTUAL = `machdep.cpu.brand_string: Apple M1 (Virtual)
hw.model: VirtualMac2,1
hw.nperflevels: 1
hw.perflevel0.name: Standard
hw.perflevel0.physicalcpu: 3
hw.perflevel0.logicalcpu: 3
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 12582912
hw.perflevel0.cpusperl2: 3
hw.logicalcpu: 3
hw.physicalcpu: 3
hw.optional.arm64: 1
kern.hv_vmm_present: 1
`;

/** `ioreg -r -d 1 -w 0 -c IOAccelerator` of an M1 Pro: https://github.com/exelban/stats/issues/1094 */
export const IOREG_GPU_M1_PRO = `+-o AGXAcceleratorG13X  <class AGXAcceleratorG13X, id 0x10000087c, registered, matched, active, busy 0 (17 ms), retain 24>
    {
      "IOMatchedAtBoot" = Yes
      "vendor-id" = <6b100000>
      "SCMVersionNumber" = ""
      "AGCInfo" = {"fLastSubmissionPID"=390,"fSubmissionsSinceLastCheck"=0,"fBusyCount"=0}
      "IONameMatched" = "gpu,t6000"
      "PerformanceStatistics" = {"TiledSceneBytes"=1572864,"Alloc system memory"=1214005248,"Tiler Utilization %"=2,"recoveryCount"=0,"Renderer Utilization %"=2,"SplitSceneCount"=0,"Allocated PB Size"=17956864,"Device Utilization %"=2,"In use system memory"=340983808}
    }
`;

/** The same of an M4 Max with 40 GPU cores, from a test of another program; its memory of the driver comes first. */
export const IOREG_GPU_M4_MAX = `+-o AGXAcceleratorG16X  <class AGXAcceleratorG16X>
    {
      "model" = "Apple M4 Max"
      "gpu-core-count" = 40
      "PerformanceStatistics" = {"In use system memory (driver)"=0,"Alloc system memory"=8270495744,"Tiler Utilization %"=7,"recoveryCount"=0,"Renderer Utilization %"=15,"Device Utilization %"=16,"In use system memory"=2914402304}
    }
`;

const core = (
  id: number,
  letter: string,
) => `+-o cpu${id}@${id}  <class IOPlatformDevice, id 0x100000280, registered, matched, active, busy 0 (98 ms), retain 8>
    {
      "cluster-type" = <"${letter}">
      "cpu-id" = <0${id}000000>
      "name" = <"cpu${id}">
      "compatible" = <"apple,${letter === 'E' ? 'icestorm' : 'firestorm'}","ARM,v8">
      "device_type" = <"cpu">
    }
`;

/** `ioreg -r -d 1 -k cluster-type` of an M1 Pro: the numbers are those of os.cpus(), the efficient cores come first. */
export const IOREG_CORES_M1_PRO = Array.from('EEPPPPPPPP', (letter, id) => core(id, letter)).join('');

/** The driver of the Neural Engine of an M3 Pro: class and property as two programs that read it document them. */
export const IOREG_NEURAL_ENGINE = `+-o H11ANE  <class H11ANEIn, id 0x1000004d5, registered, matched, active, busy 0 (3 ms), retain 12>
    {
      "FirmwareLoaded" = Yes
      "DeviceProperties" = {"ANEDevicePropertyANEVersion"=192,"ANEDevicePropertyNumANECores"=16,"ANEDevicePropertyTypeANEArchitectureTypeStr"="h16g"}
    }
`;

/** `vm_stat` of a Mac with pages of 4 KiB: https://github.com/wazuh/wazuh/issues/22113 */
export const VM_STAT = `Mach Virtual Memory Statistics: (page size of 4096 bytes)
Pages free:                             6127229.
Pages active:                            485320.
Pages inactive:                          628646.
Pages speculative:                       430715.
Pages throttled:                              0.
Pages wired down:                        715958.
Pages purgeable:                          11820.
"Translation faults":                  11477162.
Pages copy-on-write:                     356264.
File-backed pages:                      1080348.
Anonymous pages:                         464333.
Pages stored in compressor:                   0.
Pages occupied by compressor:                 0.
Decompressions:                               0.
Swapouts:                                     0.
`;

/** `notifyutil -g com.apple.system.thermalpressurelevel`, as several notes of measurements quote it. */
export const NOTIFY_THERMAL = 'com.apple.system.thermalpressurelevel 1\n';

/** `pmset -g batt` and `pmset -g` of MacBooks, quoted in public notes. */
export const PMSET_BATTERY = `Now drawing from 'Battery Power'
 -InternalBattery-0 (id=24313955)	27%; discharging; 3:32 remaining present: true
`;
export const PMSET_SETTINGS = `System-wide power settings:
Currently in use:
 standby              1
 Sleep On Power Button 1
 sleep                1 (sleep prevented by powerd)
 hibernatemode        3
 displaysleep         10
 tcpkeepalive         1
 lowpowermode         0
 womp                 0
`;
