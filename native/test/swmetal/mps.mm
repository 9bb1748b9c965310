// MPSMatrixMultiplication: C = alpha op(A) op(B) + beta C in float, summed from index 0 upwards.
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

namespace {

// A matrix as the kernel reads it, copied so that a transposed one has its rows in order too.
std::vector<float> Read(MPSMatrix* matrix, BOOL transpose, NSUInteger rows, NSUInteger columns) {
  const char* base = static_cast<const char*>([matrix.data contents]) + matrix.offset;
  std::vector<float> values(rows * columns);
  for (NSUInteger row = 0; row < rows; ++row) {
    for (NSUInteger column = 0; column < columns; ++column) {
      const NSUInteger from_row = transpose ? column : row;
      const NSUInteger from_column = transpose ? row : column;
      values[row * columns + column] =
          reinterpret_cast<const float*>(base + from_row * matrix.rowBytes)[from_column];
    }
  }
  return values;
}

void CheckShape(const char* which, MPSMatrix* matrix, BOOL transpose, NSUInteger rows, NSUInteger columns) {
  const NSUInteger has_rows = transpose ? matrix.columns : matrix.rows;
  const NSUInteger has_columns = transpose ? matrix.rows : matrix.columns;
  if (has_rows < rows || has_columns < columns) {
    swm::Misuse("MPSMatrixMultiplication: the %s matrix is smaller than the product needs", which);
  }
}

}  // namespace

BOOL MPSSupportsMTLDevice(id<MTLDevice> device) { return [device supportsFamily:MTLGPUFamilyApple7]; }

@implementation MPSMatrixDescriptor

@synthesize rows = rows_;
@synthesize columns = columns_;
@synthesize rowBytes = rowBytes_;

+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                rowBytes:(NSUInteger)rowBytes
                                dataType:(MPSDataType)dataType {
  if (dataType != MPSDataTypeFloat32) swm::Misuse("only matrices of float are offered here");
  if (rows == 0 || columns == 0 || rowBytes < columns * sizeof(float) || rowBytes % sizeof(float) != 0) {
    swm::Misuse("a matrix of %lu rows and %lu columns in rows of %lu bytes", static_cast<unsigned long>(rows),
                static_cast<unsigned long>(columns), static_cast<unsigned long>(rowBytes));
  }
  MPSMatrixDescriptor* descriptor = [[[self alloc] init] autorelease];
  descriptor->rows_ = rows;
  descriptor->columns_ = columns;
  descriptor->rowBytes_ = rowBytes;
  return descriptor;
}

// Rows of whole vectors of 16 bytes, as the framework recommends them.
+ (size_t)rowBytesFromColumns:(NSUInteger)columns dataType:(MPSDataType)dataType {
  if (dataType != MPSDataTypeFloat32) swm::Misuse("only matrices of float are offered here");
  return (columns * sizeof(float) + 15) / 16 * 16;
}

- (MPSDataType)dataType {
  return MPSDataTypeFloat32;
}

@end

@implementation MPSMatrix

@synthesize rows = rows_;
@synthesize columns = columns_;
@synthesize rowBytes = rowBytes_;
@synthesize offset = offset_;
@synthesize data = data_;

- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer descriptor:(MPSMatrixDescriptor*)descriptor {
  return [self initWithBuffer:buffer offset:0 descriptor:descriptor];
}

- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer
                        offset:(NSUInteger)offset
                    descriptor:(MPSMatrixDescriptor*)descriptor {
  if (!(self = [super init])) return nil;
  const NSUInteger bytes = descriptor.rowBytes * (descriptor.rows - 1) + descriptor.columns * sizeof(float);
  if (offset % sizeof(float) != 0 || offset + bytes > [buffer length]) {
    swm::Misuse("a matrix of %lu bytes in a buffer of %lu", static_cast<unsigned long>(offset + bytes),
                static_cast<unsigned long>([buffer length]));
  }
  data_ = [buffer retain];
  offset_ = offset;
  rows_ = descriptor.rows;
  columns_ = descriptor.columns;
  rowBytes_ = descriptor.rowBytes;
  return self;
}

- (void)dealloc {
  [data_ release];
  [super dealloc];
}

- (MPSDataType)dataType {
  return MPSDataTypeFloat32;
}

@end

@implementation MPSKernel

@synthesize device = device_;

- (instancetype)initWithDevice:(id<MTLDevice>)device {
  if (!MPSSupportsMTLDevice(device)) swm::Misuse("this device has no MetalPerformanceShaders");
  if ((self = [super init])) device_ = [device retain];
  return self;
}

- (void)dealloc {
  [device_ release];
  [super dealloc];
}

@end

@implementation MPSMatrixMultiplication

- (instancetype)initWithDevice:(id<MTLDevice>)device
                 transposeLeft:(BOOL)transposeLeft
                transposeRight:(BOOL)transposeRight
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns
                         alpha:(double)alpha
                          beta:(double)beta {
  if (!(self = [super initWithDevice:device])) return nil;
  transposeLeft_ = transposeLeft;
  transposeRight_ = transposeRight;
  resultRows_ = resultRows;
  resultColumns_ = resultColumns;
  interiorColumns_ = interiorColumns;
  alpha_ = alpha;
  beta_ = beta;
  return self;
}

- (instancetype)initWithDevice:(id<MTLDevice>)device
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns {
  return [self initWithDevice:device
                transposeLeft:NO
               transposeRight:NO
                   resultRows:resultRows
                resultColumns:resultColumns
              interiorColumns:interiorColumns
                        alpha:1
                         beta:0];
}

- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
                   leftMatrix:(MPSMatrix*)leftMatrix
                  rightMatrix:(MPSMatrix*)rightMatrix
                 resultMatrix:(MPSMatrix*)resultMatrix {
  CheckShape("left", leftMatrix, transposeLeft_, resultRows_, interiorColumns_);
  CheckShape("right", rightMatrix, transposeRight_, interiorColumns_, resultColumns_);
  CheckShape("result", resultMatrix, NO, resultRows_, resultColumns_);
  SoftCommandBuffer* commands = (SoftCommandBuffer*)commandBuffer;
  [commands beginEncoding];
  for (id object : {(id)self, (id)leftMatrix, (id)rightMatrix, (id)resultMatrix}) [commands keep:object];
  [commands addWork:[=] { [self multiply:leftMatrix by:rightMatrix into:resultMatrix]; }];
  [commands endEncoding];
}

- (void)multiply:(MPSMatrix*)leftMatrix by:(MPSMatrix*)rightMatrix into:(MPSMatrix*)resultMatrix {
  const std::vector<float> left = Read(leftMatrix, transposeLeft_, resultRows_, interiorColumns_);
  const std::vector<float> right = Read(rightMatrix, transposeRight_, interiorColumns_, resultColumns_);
  std::vector<float> sums(resultColumns_);
  for (NSUInteger row = 0; row < resultRows_; ++row) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (NSUInteger k = 0; k < interiorColumns_; ++k) {
      const float factor = left[row * interiorColumns_ + k];
      const float* from = &right[k * resultColumns_];
      for (NSUInteger column = 0; column < resultColumns_; ++column) sums[column] += factor * from[column];
    }
    char* base = static_cast<char*>([resultMatrix.data contents]) + resultMatrix.offset;
    auto* result = reinterpret_cast<float*>(base + row * resultMatrix.rowBytes);
    for (NSUInteger column = 0; column < resultColumns_; ++column) {
      const float old = beta_ != 0 ? static_cast<float>(beta_) * result[column] : 0.0f;
      result[column] = static_cast<float>(alpha_) * sums[column] + old;
    }
  }
}

@end
